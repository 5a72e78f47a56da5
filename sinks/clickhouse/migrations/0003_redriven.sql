-- What became of a refused record once it was redriven. An outcome counts for an origin of the same
-- content only: a record that names a foreign origin stands beside it and replaces nothing.
ALTER TABLE dead_letters
    ADD COLUMN IF NOT EXISTS outcome LowCardinality(String) DEFAULT 'refused' AFTER attempt,
    ADD COLUMN IF NOT EXISTS content String AFTER value_head,
    MODIFY ORDER BY (source_topic, source_partition, source_offset, content);
