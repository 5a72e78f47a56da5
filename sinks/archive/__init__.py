"""The raw archive: every record of the raw topics, bit-exact, for ever."""
