-- Parts of frames in one file each, merged seldom. A wide part takes three files a column, and making
-- a hundred files costs more than compressing what goes into them; a merge compresses everything
-- anew, so few parts at a time are not worth it: 16 and more are joined, up to 4 GiB.
ALTER TABLE frames MODIFY SETTING
    min_bytes_for_wide_part = 10737418240,
    merge_selector_base = 16,
    min_parts_to_merge_at_once = 8,
    max_bytes_to_merge_at_max_space_in_pool = 4294967296;
