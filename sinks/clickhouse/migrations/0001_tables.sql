-- One row per canonical chunk. The sorting key is what keeps a frame from standing here twice:
-- a chunk that comes again replaces itself, and readers ask with FINAL. Where a robot says two things
-- under one sequence number, the one that came first counts, as it does in object storage.
-- Arrays of numbers are joint-major: all frames of the first joint, then all of the second, …
-- (width × frames values), because neighbours in time compress best. An empty array means that
-- the robot does not report the signal; a status holds either one row, valid for every frame, or
-- one row per frame (frame-major). What follows from the native signals is compressed by LZ4, which
-- takes a third of ZSTD's time: it can be derived again, so its bytes matter less.
CREATE TABLE IF NOT EXISTS frames
(
    robot LowCardinality(String),
    session String,
    sequence Int64,
    processing_id LowCardinality(String),
    first_frame Int64,
    frames Int32,
    channels Int32,
    episode String COMMENT 'empty between episodes',
    profile LowCardinality(String),
    embodiment LowCardinality(String),
    embodiment_hash LowCardinality(String),
    source_topic LowCardinality(String),
    source_partition Int32,
    source_offset Int64 CODEC(Delta(8), ZSTD(1)),
    published_ns Int64 CODEC(Delta(8), ZSTD(1)),
    log_ms Int64 CODEC(Delta(8), ZSTD(1)),
    t_source_dtype LowCardinality(String) COMMENT 'numpy dtype of t_source, empty without a clock',
    t_source String CODEC(ZSTD(1)) COMMENT 'the vendor''s stamps, verbatim bytes',
    t_ns Array(Int64) CODEC(Delta(8), ZSTD(1)),
    position Array(Float32) CODEC(Delta(4), ZSTD(1)),
    velocity Array(Float32) CODEC(Delta(4), ZSTD(1)),
    effort Array(Float32) CODEC(Delta(4), ZSTD(1)),
    action Array(Float32) CODEC(Delta(4), ZSTD(1)),
    angle Array(Float32) CODEC(Delta(4), LZ4),
    angle_status Array(UInt8) CODEC(ZSTD(1)),
    segment_status Array(UInt8) CODEC(ZSTD(1)),
    hand_pose Array(Float32) CODEC(Delta(4), LZ4),
    foot_pose Array(Float32) CODEC(Delta(4), LZ4),
    base_position Array(Float32) CODEC(Delta(4), ZSTD(1)),
    base_quaternion Array(Float32) CODEC(Delta(4), ZSTD(1)),
    base_angular_velocity Array(Float32) CODEC(Delta(4), ZSTD(1)),
    base_acceleration Array(Float32) CODEC(Delta(4), ZSTD(1)),
    flags Array(UInt64) CODEC(ZSTD(1)),
    precedence UInt64 MATERIALIZED toUInt64(9223372036854775807 - source_offset)
        CODEC(Delta(8), ZSTD(1)) COMMENT 'highest for what came first'
)
ENGINE = ReplacingMergeTree(precedence)
ORDER BY (robot, session, sequence, processing_id)
SETTINGS non_replicated_deduplication_window = 1000;

-- Where sessions and episodes begin and end. One raw record causes at most one of a kind.
CREATE TABLE IF NOT EXISTS boundaries
(
    robot LowCardinality(String),
    session String,
    processing_id LowCardinality(String),
    kind LowCardinality(String),
    cause LowCardinality(String),
    episode String,
    sequence Int64,
    first_frame Int64,
    frames Int64,
    last_frame Int64,
    first_sequence Int64,
    last_sequence Int64,
    missing Int64,
    source_topic LowCardinality(String),
    source_partition Int32,
    source_offset Int64,
    log_ms Int64
)
ENGINE = ReplacingMergeTree
ORDER BY (robot, session, processing_id, source_topic, source_partition, source_offset, kind)
SETTINGS non_replicated_deduplication_window = 1000;

-- The facts told on `episodes`; of an episode, processing and kind the last one counts.
CREATE TABLE IF NOT EXISTS episode_events
(
    episode String,
    processing_id LowCardinality(String),
    kind LowCardinality(String),
    robot LowCardinality(String),
    session String,
    log_ms Int64,
    profile Nullable(String),
    embodiment Nullable(String),
    embodiment_hash Nullable(String),
    task Nullable(String),
    skill Nullable(String),
    scene Nullable(String),
    operator Nullable(String),
    station Nullable(String),
    mode Nullable(String),
    success Nullable(Bool),
    aborted Nullable(Bool),
    cause Nullable(String),
    first_frame Nullable(Int64),
    last_frame Nullable(Int64),
    frames Nullable(Int64),
    first_sequence Nullable(Int64),
    last_sequence Nullable(Int64),
    missing Nullable(Int64),
    t_first_ns Nullable(Int64),
    t_last_ns Nullable(Int64),
    verdict Nullable(String),
    score Nullable(Float64),
    reasons Array(String),
    finding_checks Array(String),
    finding_frames Array(Int64),
    manifest Nullable(String),
    manifest_sha256 Nullable(String),
    event_partition Int32,
    event_offset UInt64
)
ENGINE = ReplacingMergeTree(event_offset)
ORDER BY (episode, processing_id, kind)
SETTINGS non_replicated_deduplication_window = 1000;

-- When each processing first wrote a frame: the one that came last is an episode's current one.
CREATE TABLE IF NOT EXISTS processings
(
    processing_id String,
    first_ms Int64
)
ENGINE = ReplacingMergeTree
ORDER BY (processing_id, first_ms);

-- What the checks found, one row per finding of a chunk.
CREATE TABLE IF NOT EXISTS findings
(
    robot LowCardinality(String),
    session String,
    sequence Int64,
    processing_id LowCardinality(String),
    ordinal UInt16 COMMENT 'place in the chunk''s report',
    episode String,
    check LowCardinality(String),
    severity LowCardinality(String),
    channel String COMMENT 'empty = the whole frame',
    first_frame Int64,
    last_frame Int64,
    frames Int32,
    value Float64,
    threshold Float64,
    source_topic LowCardinality(String),
    source_partition Int32,
    source_offset Int64,
    log_ms Int64,
    precedence UInt64 MATERIALIZED toUInt64(9223372036854775807 - source_offset)
)
ENGINE = ReplacingMergeTree(precedence)
ORDER BY (robot, session, sequence, processing_id, ordinal)
SETTINGS non_replicated_deduplication_window = 1000;

-- Refused records by origin; the last outcome counts. All bytes stay in the dead-letter topic.
CREATE TABLE IF NOT EXISTS dead_letters
(
    source_topic LowCardinality(String),
    source_partition Int32,
    source_offset Int64,
    robot String COMMENT 'as its envelope says; empty where that cannot be read',
    log_ms Int64,
    reason LowCardinality(String),
    detail String,
    frames Int32,
    attempt Int32,
    value_bytes Int64,
    value_head String COMMENT 'the first 1024 bytes',
    letter_topic LowCardinality(String),
    letter_partition Int32,
    letter_offset UInt64
)
ENGINE = ReplacingMergeTree(letter_offset)
ORDER BY (source_topic, source_partition, source_offset)
SETTINGS non_replicated_deduplication_window = 1000;
