-- Quality by second and minute of log time, right whatever is replayed: every row of a rollup is keyed
-- and made anew, whole, from rows that are keyed themselves. Nothing is added up on an insert.
--
-- An insert leaves, per chunk and per finding, a narrow row sorted by its minute, and the minute on a
-- list of what is due. Every ten seconds the minutes that are due are summed again. A minute stays due
-- for a minute behind its last insert, for an insert is stamped before it can be seen.

CREATE TABLE IF NOT EXISTS quality_chunks
(
    minute Int64 COMMENT 'log time, minutes since 1970',
    robot LowCardinality(String),
    session LowCardinality(String),
    sequence Int64 CODEC(Delta(8), ZSTD(1)),
    processing_id LowCardinality(String),
    log_ms Int64 CODEC(Delta(8), ZSTD(1)),
    frames Int32,
    flagged_frames Int32 COMMENT 'that a check flagged, whatever its severity',
    delay_ms Float32 COMMENT 'publisher''s clock to the raw log'
)
ENGINE = ReplacingMergeTree
ORDER BY (minute, robot, session, sequence, processing_id);

CREATE MATERIALIZED VIEW IF NOT EXISTS quality_chunks_of_frames TO quality_chunks AS
SELECT
    intDiv(log_ms, 60000) AS minute, robot, session, sequence, processing_id, log_ms, frames,
    toInt32(arrayCount(flag -> flag != 0, flags)) AS flagged_frames,
    toFloat32(log_ms - published_ns / 1e6) AS delay_ms
FROM frames;

CREATE TABLE IF NOT EXISTS quality_findings
(
    minute Int64,
    robot LowCardinality(String),
    session LowCardinality(String),
    sequence Int64,
    processing_id LowCardinality(String),
    ordinal UInt16,
    check LowCardinality(String),
    severity LowCardinality(String),
    channel LowCardinality(String),
    frames Int32,
    value Float64,
    threshold Float64
)
ENGINE = ReplacingMergeTree
ORDER BY (minute, robot, session, sequence, processing_id, ordinal);

CREATE MATERIALIZED VIEW IF NOT EXISTS quality_findings_of_findings TO quality_findings AS
SELECT
    intDiv(log_ms, 60000) AS minute, robot, session, sequence, processing_id, ordinal, check,
    severity, channel, frames, value, threshold
FROM findings;

CREATE TABLE IF NOT EXISTS rollup_due
(
    source LowCardinality(String),
    minute Int64,
    due_at DateTime64(3)
)
ENGINE = ReplacingMergeTree(due_at)
ORDER BY (source, minute)
TTL toDateTime(due_at) + INTERVAL 2 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS rollup_due_of_chunks TO rollup_due AS
SELECT DISTINCT 'chunks' AS source, minute, now64(3) AS due_at FROM quality_chunks;

CREATE MATERIALIZED VIEW IF NOT EXISTS rollup_due_of_findings TO rollup_due AS
SELECT DISTINCT 'findings' AS source, minute, now64(3) AS due_at FROM quality_findings;

CREATE TABLE IF NOT EXISTS robot_seconds
(
    second Int64 COMMENT 'log time, seconds since 1970',
    robot LowCardinality(String),
    session LowCardinality(String),
    processing_id LowCardinality(String),
    chunks UInt64,
    frames Int64,
    flagged_frames Int64,
    delay_ms_max Float32,
    computed_at DateTime64(3)
)
ENGINE = ReplacingMergeTree(computed_at)
ORDER BY (second, robot, session, processing_id);

CREATE TABLE IF NOT EXISTS robot_minutes
(
    minute Int64,
    robot LowCardinality(String),
    session LowCardinality(String),
    processing_id LowCardinality(String),
    chunks UInt64,
    frames Int64,
    flagged_frames Int64,
    delay_ms_p50 Float32,
    delay_ms_p99 Float32,
    delay_ms_max Float32,
    computed_at DateTime64(3)
)
ENGINE = ReplacingMergeTree(computed_at)
ORDER BY (minute, robot, session, processing_id);

CREATE TABLE IF NOT EXISTS check_minutes
(
    minute Int64,
    robot LowCardinality(String),
    session LowCardinality(String),
    processing_id LowCardinality(String),
    check LowCardinality(String),
    channel LowCardinality(String) COMMENT 'empty = the whole frame',
    severity LowCardinality(String),
    findings UInt64,
    frames Int64 COMMENT 'that the check struck on this channel',
    worst Float64,
    threshold Float64,
    computed_at DateTime64(3)
)
ENGINE = ReplacingMergeTree(computed_at)
ORDER BY (minute, robot, session, processing_id, check, channel, severity);

CREATE VIEW IF NOT EXISTS robot_seconds_due AS
SELECT due.minute AS minute
FROM rollup_due AS due FINAL
LEFT JOIN
(
    SELECT intDiv(second, 60) AS minute, max(computed_at) AS at FROM robot_seconds
    WHERE intDiv(second, 60) IN (SELECT minute FROM rollup_due WHERE source = 'chunks')
    GROUP BY minute
) AS done ON done.minute = due.minute
WHERE due.source = 'chunks' AND due.due_at > now64(3) - INTERVAL 1 DAY
    AND due.due_at > done.at - INTERVAL 1 MINUTE;

CREATE VIEW IF NOT EXISTS robot_minutes_due AS
SELECT due.minute AS minute
FROM rollup_due AS due FINAL
LEFT JOIN
(
    SELECT minute, max(computed_at) AS at FROM robot_minutes
    WHERE minute IN (SELECT minute FROM rollup_due WHERE source = 'chunks')
    GROUP BY minute
) AS done ON done.minute = due.minute
WHERE due.source = 'chunks' AND due.due_at > now64(3) - INTERVAL 1 DAY
    AND due.due_at > done.at - INTERVAL 1 MINUTE;

CREATE VIEW IF NOT EXISTS check_minutes_due AS
SELECT due.minute AS minute
FROM rollup_due AS due FINAL
LEFT JOIN
(
    SELECT minute, max(computed_at) AS at FROM check_minutes
    WHERE minute IN (SELECT minute FROM rollup_due WHERE source = 'findings')
    GROUP BY minute
) AS done ON done.minute = due.minute
WHERE due.source = 'findings' AND due.due_at > now64(3) - INTERVAL 1 DAY
    AND due.due_at > done.at - INTERVAL 1 MINUTE;

CREATE MATERIALIZED VIEW IF NOT EXISTS refresh_robot_seconds
REFRESH EVERY 10 SECOND APPEND TO robot_seconds AS
SELECT
    intDiv(c.log_ms, 1000) AS second, c.robot AS robot, c.session AS session,
    c.processing_id AS processing_id, count() AS chunks, sum(c.frames) AS frames,
    sum(c.flagged_frames) AS flagged_frames, max(c.delay_ms) AS delay_ms_max,
    now64(3) AS computed_at
FROM quality_chunks AS c FINAL
WHERE c.minute IN (SELECT minute FROM robot_seconds_due)
GROUP BY second, robot, session, processing_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS refresh_robot_minutes
REFRESH EVERY 10 SECOND APPEND TO robot_minutes AS
SELECT
    c.minute AS minute, c.robot AS robot, c.session AS session, c.processing_id AS processing_id,
    count() AS chunks, sum(c.frames) AS frames, sum(c.flagged_frames) AS flagged_frames,
    quantileExact(0.5)(c.delay_ms) AS delay_ms_p50, quantileExact(0.99)(c.delay_ms) AS delay_ms_p99,
    max(c.delay_ms) AS delay_ms_max, now64(3) AS computed_at
FROM quality_chunks AS c FINAL
WHERE c.minute IN (SELECT minute FROM robot_minutes_due)
GROUP BY minute, robot, session, processing_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS refresh_check_minutes
REFRESH EVERY 10 SECOND APPEND TO check_minutes AS
SELECT
    f.minute AS minute, f.robot AS robot, f.session AS session, f.processing_id AS processing_id,
    f.check AS check, f.channel AS channel, f.severity AS severity, count() AS findings,
    sum(f.frames) AS frames, argMax(f.value, abs(f.value)) AS worst, max(f.threshold) AS threshold,
    now64(3) AS computed_at
FROM quality_findings AS f FINAL
WHERE f.minute IN (SELECT minute FROM check_minutes_due)
GROUP BY minute, robot, session, processing_id, check, channel, severity;

-- Of each session the processing that counts: the one that began last.
CREATE VIEW IF NOT EXISTS session_processings AS
SELECT held.robot AS robot, held.session AS session,
    argMax(held.processing_id, (ranked.rank, held.processing_id)) AS processing_id
FROM (SELECT DISTINCT robot, session, processing_id FROM robot_minutes) AS held
LEFT JOIN
(
    SELECT processing_id, min(first_ms) AS rank FROM processings GROUP BY processing_id
) AS ranked ON ranked.processing_id = held.processing_id
GROUP BY held.robot, held.session;

CREATE VIEW IF NOT EXISTS current_robot_seconds AS
SELECT * FROM robot_seconds FINAL
WHERE (robot, session, processing_id) IN
    (SELECT robot, session, processing_id FROM session_processings);

CREATE VIEW IF NOT EXISTS current_robot_minutes AS
SELECT * FROM robot_minutes FINAL
WHERE (robot, session, processing_id) IN
    (SELECT robot, session, processing_id FROM session_processings);

CREATE VIEW IF NOT EXISTS current_check_minutes AS
SELECT * FROM check_minutes FINAL
WHERE (robot, session, processing_id) IN
    (SELECT robot, session, processing_id FROM session_processings);

-- Timing evidence of a verdict: jitter, missed frames, drift with its interval, offset.
ALTER TABLE episode_events
    ADD COLUMN IF NOT EXISTS timing Map(String, Float64) AFTER finding_frames;

ALTER TABLE episode_events ADD INDEX IF NOT EXISTS log_ms_range log_ms TYPE minmax;

-- Episodes that were judged since a log time, each once, with what marks and labels tell of them.
CREATE VIEW IF NOT EXISTS verdicts_since AS
SELECT
    judged.episode AS episode, judged.processing_id AS processing_id, judged.robot AS robot,
    judged.maker AS maker, judged.session AS session, judged.robot_type AS robot_type,
    judged.opened_ms AS opened_ms, judged.judged_ms AS judged_ms, judged.frames AS frames,
    judged.seconds AS seconds, judged.verdict AS verdict, judged.score AS score,
    judged.reasons AS reasons, judged.finding_checks AS finding_checks,
    judged.finding_frames AS finding_frames,
    coalesce(l.task, judged.task) AS task,
    coalesce(l.operator, judged.operator) AS operator,
    coalesce(l.station, judged.station) AS station,
    coalesce(l.success, judged.success) AS success,
    l.review AS review
FROM
(
    SELECT
        e.episode AS episode, e.processing_id AS processing_id,
        any(e.robot) AS robot,
        splitByChar('/', robot)[1] AS maker,
        any(e.session) AS session,
        anyIf(e.embodiment, e.kind = 'opened') AS robot_type,
        anyIf(e.task, e.kind = 'opened') AS task,
        anyIf(e.operator, e.kind = 'opened') AS operator,
        anyIf(e.station, e.kind = 'opened') AS station,
        anyIf(e.log_ms, e.kind = 'opened') AS opened_ms,
        anyIf(e.success, e.kind = 'closed') AS success,
        anyIf(e.frames, e.kind = 'closed') AS frames,
        anyIf(e.t_last_ns - e.t_first_ns, e.kind = 'closed') / 1e9 AS seconds,
        anyIf(e.verdict, e.kind = 'verdict') AS verdict,
        anyIf(e.score, e.kind = 'verdict') AS score,
        anyIf(e.reasons, e.kind = 'verdict') AS reasons,
        anyIf(e.finding_checks, e.kind = 'verdict') AS finding_checks,
        anyIf(e.finding_frames, e.kind = 'verdict') AS finding_frames,
        anyIf(e.log_ms, e.kind = 'verdict') AS judged_ms
    FROM episode_events AS e FINAL
    WHERE e.kind IN ('opened', 'closed', 'verdict')
        AND e.log_ms >= {since_ms:Int64} - 86400000
    GROUP BY e.episode, e.processing_id
    HAVING maxIf(e.log_ms, e.kind = 'verdict') >= {since_ms:Int64}
) AS judged
LEFT JOIN
(
    SELECT processing_id, min(first_ms) AS rank FROM processings GROUP BY processing_id
) AS ranked ON ranked.processing_id = judged.processing_id
LEFT JOIN current_labels AS l ON l.episode = judged.episode
ORDER BY ranked.rank DESC, judged.processing_id DESC
LIMIT 1 BY judged.episode;
