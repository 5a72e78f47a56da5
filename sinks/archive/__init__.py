"""The archive: every record of the raw topics and of the facts, bit-exact, for ever."""
