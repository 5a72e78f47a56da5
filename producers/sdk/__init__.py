"""The publisher SDK: what a robot's own software calls. Start at `session.Session`."""
