"""The command line `kinebus`: one file a verb; data on stdout, messages on stderr."""
