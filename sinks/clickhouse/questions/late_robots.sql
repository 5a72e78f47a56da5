-- Whose data arrives late?
-- From the publisher's clock to the raw log, ms: the median minute, and the worst of all.
SELECT
    robot, count() AS minutes, round(quantileExact(0.5)(delay_ms_p50), 1) AS typical_ms,
    round(max(delay_ms_p99), 1) AS worst_minute_p99_ms, round(max(delay_ms_max), 1) AS worst_ms
FROM current_robot_minutes
WHERE minute >= intDiv({since_ms:Int64}, 60000)
GROUP BY robot
ORDER BY worst_minute_p99_ms DESC, robot
LIMIT 20
