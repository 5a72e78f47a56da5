-- Which joints break, on which kind of robot?
-- Joints by frames that a warning or error struck, over all robots of a maker.
SELECT
    splitByChar('/', robot)[1] AS maker, channel AS joint, check, severity, uniqExact(robot) AS robots,
    sum(frames) AS frames, argMax(worst, abs(worst)) AS worst, any(threshold) AS threshold
FROM current_check_minutes
WHERE minute >= intDiv({since_ms:Int64}, 60000) AND channel != '' AND severity != 'info'
GROUP BY maker, joint, check, severity
ORDER BY frames DESC, maker, joint, check
LIMIT 30
