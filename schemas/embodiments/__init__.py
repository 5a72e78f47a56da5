"""Kinematic figures of the robots shipped with kinebus, one JSON each; sources in NOTICE."""
