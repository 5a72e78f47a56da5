-- Which robots give the worst data?
-- Share of frames that a check flagged, and the check that struck most often; worst first.
SELECT
    m.robot AS robot, sum(m.frames) AS frames, round(sum(m.flagged_frames) / sum(m.frames), 4) AS flagged,
    any(c.errors) AS error_frames, any(c.check) AS worst_check, any(c.channel) AS on_joint
FROM current_robot_minutes AS m
LEFT JOIN
(
    SELECT robot, sumIf(frames, severity = 'error') AS errors,
        argMax(check, frames) AS check, argMax(channel, frames) AS channel
    FROM
    (
        SELECT robot, check, channel, severity, sum(frames) AS frames FROM current_check_minutes
        WHERE minute >= intDiv({since_ms:Int64}, 60000) AND severity != 'info'
        GROUP BY robot, check, channel, severity
    )
    GROUP BY robot
) AS c ON c.robot = m.robot
WHERE m.minute >= intDiv({since_ms:Int64}, 60000)
GROUP BY m.robot
ORDER BY error_frames / frames DESC, flagged DESC, robot
LIMIT 20
