"""Imported by Python itself where this folder is on PYTHONPATH: arms the crash points."""

import crash_points

crash_points.install()
