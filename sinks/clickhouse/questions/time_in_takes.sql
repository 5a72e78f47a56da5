-- How much of a robot's time goes into takes, and how much of that is kept?
-- Minutes in which it sent frames; minutes of takes; minutes of accepted takes.
SELECT
    alive.robot AS robot, alive.minutes AS minutes_alive, round(takes.taken / 60, 2) AS minutes_in_takes,
    round(takes.kept / 60, 2) AS minutes_accepted
FROM
(
    SELECT robot, uniqExact(minute) AS minutes FROM current_robot_minutes
    WHERE minute >= intDiv({since_ms:Int64}, 60000) GROUP BY robot
) AS alive
LEFT JOIN
(
    SELECT robot, sum(seconds) AS taken, sum(if(verdict = 'accept', seconds, 0)) AS kept
    FROM verdicts_since(since_ms = {since_ms:Int64}) GROUP BY robot
) AS takes ON takes.robot = alive.robot
ORDER BY minutes_accepted / minutes_alive, robot
LIMIT 20
