"""The running system: local stack, supervisor, command line, audit."""
