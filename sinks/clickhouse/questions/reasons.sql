-- Why are takes not accepted?
-- Reasons as the operator read them, without the joints and shares, and the takes they cost.
SELECT
    replaceRegexpOne(reason, ' \\([^()]*\\)$', '') AS reason, verdict, count() AS takes,
    round(sum(seconds) / 3600, 4) AS hours, uniqExact(robot) AS robots
FROM verdicts_since(since_ms = {since_ms:Int64})
ARRAY JOIN reasons AS reason
WHERE verdict != 'accept'
GROUP BY reason, verdict
ORDER BY takes DESC, reason, verdict
LIMIT 20
