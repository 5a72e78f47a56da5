-- How often does the first take succeed?
-- Of each operator, task, robot and day the first take: the share accepted, beside that of all takes.
SELECT
    task, operator, count() AS first_takes, round(countIf(first = 'accept') / first_takes, 3) AS first_accepted,
    round(sum(accepted) / sum(takes), 3) AS all_accepted, round(avg(takes), 1) AS takes_each
FROM
(
    SELECT task, operator, robot, intDiv(opened_ms, 86400000) AS day, argMin(verdict, opened_ms) AS first,
        count() AS takes, countIf(verdict = 'accept') AS accepted
    FROM verdicts_since(since_ms = {since_ms:Int64})
    GROUP BY task, operator, robot, day
)
GROUP BY task, operator
ORDER BY first_accepted, task, operator
LIMIT 50
