-- How many takes were accepted, to be reviewed, rejected, hour by hour?
-- Hours of the verdict's log time, UTC.
SELECT
    toDateTime(intDiv(judged_ms, 3600000) * 3600, 'UTC') AS hour, countIf(verdict = 'accept') AS accept,
    countIf(verdict = 'review') AS review, countIf(verdict = 'reject') AS reject, count() AS takes,
    round(sum(seconds) / 3600, 3) AS hours
FROM verdicts_since(since_ms = {since_ms:Int64})
GROUP BY hour
ORDER BY hour
