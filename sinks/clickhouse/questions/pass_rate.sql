-- How many takes pass, by maker, task and operator?
-- Judged takes and the share accepted; lowest share first.
SELECT
    maker, task, operator, count() AS takes, round(countIf(verdict = 'accept') / takes, 3) AS accepted,
    countIf(verdict = 'review') AS review, countIf(verdict = 'reject') AS reject
FROM verdicts_since(since_ms = {since_ms:Int64})
GROUP BY maker, task, operator
ORDER BY accepted, takes DESC, maker, task, operator
LIMIT 50
