-- Where do people judge otherwise than the checks?
-- Takes with a label: how the checks judged, what the person said, how often.
SELECT
    verdict, review AS person_says, count() AS takes, uniqExact(operator) AS operators,
    groupUniqArray(3)(episode) AS examples
FROM verdicts_since(since_ms = {since_ms:Int64})
WHERE review IS NOT NULL AND review != verdict
GROUP BY verdict, person_says
ORDER BY takes DESC, verdict, person_says
