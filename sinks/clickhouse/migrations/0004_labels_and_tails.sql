-- What people said of episodes afterwards; a revision is known by its partition and offset.
CREATE TABLE IF NOT EXISTS episode_labels
(
    episode String,
    label_partition Int32,
    revision UInt64,
    robot LowCardinality(String),
    session String,
    said_ms Int64,
    author Nullable(String),
    review Nullable(String),
    success Nullable(Bool),
    task Nullable(String),
    skill Nullable(String),
    scene Nullable(String),
    operator Nullable(String),
    station Nullable(String),
    mode Nullable(String),
    note Nullable(String)
)
ENGINE = ReplacingMergeTree
ORDER BY (episode, label_partition, revision)
SETTINGS non_replicated_deduplication_window = 1000;

-- Of every field what the highest revision says that tells it.
CREATE VIEW IF NOT EXISTS current_labels AS
SELECT
    l.episode AS episode,
    toNullable(max(l.revision)) AS label_revision,
    argMaxIf(l.author, l.revision, isNotNull(l.author)) AS author,
    argMaxIf(l.review, l.revision, isNotNull(l.review)) AS review,
    argMaxIf(l.success, l.revision, isNotNull(l.success)) AS success,
    argMaxIf(l.task, l.revision, isNotNull(l.task)) AS task,
    argMaxIf(l.skill, l.revision, isNotNull(l.skill)) AS skill,
    argMaxIf(l.scene, l.revision, isNotNull(l.scene)) AS scene,
    argMaxIf(l.operator, l.revision, isNotNull(l.operator)) AS operator,
    argMaxIf(l.station, l.revision, isNotNull(l.station)) AS station,
    argMaxIf(l.mode, l.revision, isNotNull(l.mode)) AS mode,
    argMaxIf(l.note, l.revision, isNotNull(l.note)) AS note
FROM episode_labels AS l FINAL
GROUP BY l.episode;

-- One row per episode and processing: what each writer said, complete or not.
CREATE VIEW IF NOT EXISTS episode_facts AS
SELECT
    e.episode AS episode,
    e.processing_id AS processing_id,
    any(e.robot) AS robot,
    any(e.session) AS session,
    anyIf(e.profile, e.kind = 'opened') AS profile,
    anyIf(e.embodiment, e.kind = 'opened') AS embodiment,
    anyIf(e.embodiment_hash, e.kind = 'opened') AS embodiment_hash,
    anyIf(e.task, e.kind = 'opened') AS task,
    anyIf(e.skill, e.kind = 'opened') AS skill,
    anyIf(e.scene, e.kind = 'opened') AS scene,
    anyIf(e.operator, e.kind = 'opened') AS operator,
    anyIf(e.station, e.kind = 'opened') AS station,
    anyIf(e.mode, e.kind = 'opened') AS mode,
    anyIf(e.success, e.kind = 'closed') AS success,
    anyIf(e.aborted, e.kind = 'closed') AS aborted,
    anyIf(e.cause, e.kind = 'closed') AS cause,
    anyIf(e.first_frame, e.kind = 'closed') AS first_frame,
    anyIf(e.last_frame, e.kind = 'closed') AS last_frame,
    anyIf(e.frames, e.kind = 'closed') AS frames,
    anyIf(e.missing, e.kind = 'closed') AS missing,
    anyIf(e.t_first_ns, e.kind = 'closed') AS t_first_ns,
    anyIf(e.t_last_ns, e.kind = 'closed') AS t_last_ns,
    anyIf(e.log_ms, e.kind = 'opened') AS opened_ms,
    anyIf(e.log_ms, e.kind = 'closed') AS closed_ms,
    anyIf(e.verdict, e.kind = 'verdict') AS verdict,
    anyIf(e.score, e.kind = 'verdict') AS score,
    anyIf(e.reasons, e.kind = 'verdict') AS reasons,
    anyIf(e.finding_checks, e.kind = 'verdict') AS finding_checks,
    anyIf(e.finding_frames, e.kind = 'verdict') AS finding_frames,
    anyIf(e.frames, e.kind = 'stored') AS stored_frames,
    anyIf(e.frames, e.kind = 'sealed') AS sealed_frames,
    anyIf(e.manifest, e.kind = 'sealed') AS manifest,
    anyIf(e.manifest_sha256, e.kind = 'sealed') AS manifest_sha256,
    countIf(e.kind = 'closed') > 0 AS is_closed,
    countIf(e.kind = 'stored') > 0 AS is_stored,
    countIf(e.kind = 'sealed') > 0 AS is_sealed,
    multiIf(
        NOT is_closed, 'open',
        cause NOT IN ('mark', 'session_end', 'new_episode', 'gap'), 'unknown_tail',
        missing > 0, 'incomplete',
        is_stored AND is_sealed AND stored_frames = frames AND sealed_frames = frames, 'complete',
        'coming'
    ) AS state
FROM episode_events AS e FINAL
WHERE e.kind != 'refused'
GROUP BY e.episode, e.processing_id;

-- The same with the labels of the current revision in place of what the marks told.
CREATE OR REPLACE VIEW episode_states AS
SELECT
    f.* EXCEPT (task, skill, scene, operator, station, mode, success),
    coalesce(l.task, f.task) AS task,
    coalesce(l.skill, f.skill) AS skill,
    coalesce(l.scene, f.scene) AS scene,
    coalesce(l.operator, f.operator) AS operator,
    coalesce(l.station, f.station) AS station,
    coalesce(l.mode, f.mode) AS mode,
    coalesce(l.success, f.success) AS success,
    l.label_revision AS label_revision,
    l.review AS review,
    l.author AS author,
    l.note AS note
FROM episode_facts AS f
LEFT JOIN current_labels AS l ON l.episode = f.episode;

-- Complete episodes only: the end is known, nothing before it is missing, and both stores hold every
-- frame that the tracker counted. Of several processings the one that began last is the current one.
CREATE OR REPLACE VIEW episodes AS
SELECT state.*
FROM episode_states AS state
LEFT JOIN
(
    SELECT processing_id, min(first_ms) AS rank FROM processings GROUP BY processing_id
) AS processing ON processing.processing_id = state.processing_id
WHERE state.state = 'complete'
ORDER BY rank DESC, state.processing_id DESC
LIMIT 1 BY state.episode;
