-- Every frame as it arrives, each once.
CREATE VIEW IF NOT EXISTS frames_live AS
SELECT * FROM frames FINAL;

-- One row per episode and processing: what each writer said, complete or not.
CREATE VIEW IF NOT EXISTS episode_states AS
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
    countIf(e.kind = 'sealed') > 0 AS is_sealed
FROM episode_events AS e FINAL
WHERE e.kind != 'refused'
GROUP BY e.episode, e.processing_id;

-- Complete episodes only: stored and sealed, with every frame that the tracker counted in both.
-- Of several processings the one that began last is the current one.
CREATE VIEW IF NOT EXISTS episodes AS
SELECT state.*
FROM episode_states AS state
LEFT JOIN
(
    SELECT processing_id, min(first_ms) AS rank FROM processings GROUP BY processing_id
) AS processing ON processing.processing_id = state.processing_id
WHERE is_closed AND is_stored AND is_sealed
    AND stored_frames = state.frames AND sealed_frames = state.frames
ORDER BY rank DESC, state.processing_id DESC
LIMIT 1 BY state.episode;

-- The frames of complete episodes.
CREATE VIEW IF NOT EXISTS episode_frames AS
SELECT * FROM frames FINAL
WHERE (episode, processing_id) IN (SELECT episode, processing_id FROM episodes);
