-- Whose clock drifts?
-- The drift that takes carry as evidence, in ppm; a robot is listed where a session was long enough.
SELECT
    robot, count() AS takes, round(avg(timing['drift_ppm']), 1) AS drift_ppm,
    round(max(abs(timing['drift_ppm'])), 1) AS worst_ppm,
    round(avg(timing['drift_ci_ppm']), 1) AS interval_ppm,
    round(argMax(timing['offset_s'], log_ms), 3) AS last_offset_s
FROM episode_events FINAL
WHERE kind = 'verdict' AND log_ms >= {since_ms:Int64} AND mapContains(timing, 'drift_ppm')
GROUP BY robot
ORDER BY worst_ppm DESC, robot
LIMIT 20
