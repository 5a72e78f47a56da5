-- Which checks find what at which maker?
-- Frames that a check struck per thousand frames of the maker; a frame counts on each joint struck.
SELECT
    found.maker AS maker, found.check AS check, found.severity AS severity, found.frames AS struck,
    round(1000 * found.frames / held.frames, 3) AS per_thousand, held.frames AS frames
FROM
(
    SELECT splitByChar('/', robot)[1] AS maker, check, severity, sum(frames) AS frames
    FROM current_check_minutes WHERE minute >= intDiv({since_ms:Int64}, 60000)
    GROUP BY maker, check, severity
) AS found
INNER JOIN
(
    SELECT splitByChar('/', robot)[1] AS maker, sum(frames) AS frames
    FROM current_robot_minutes WHERE minute >= intDiv({since_ms:Int64}, 60000)
    GROUP BY maker
) AS held ON held.maker = found.maker
ORDER BY maker, check, severity
