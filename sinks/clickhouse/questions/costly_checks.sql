-- Which check costs most hours?
-- Hours of takes that were not accepted and in which the check found something. A take counts for
-- each of its checks.
SELECT
    check, round(sum(seconds) / 3600, 4) AS hours, count() AS takes,
    countIf(verdict = 'reject') AS rejected
FROM verdicts_since(since_ms = {since_ms:Int64})
ARRAY JOIN arrayFilter(name -> position(name, '/') = 0, finding_checks) AS check
WHERE verdict != 'accept'
GROUP BY check
ORDER BY hours DESC, takes DESC, check
LIMIT 20
