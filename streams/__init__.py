"""From raw telemetry to canonical frames: pure steps, and the two files that know Faust."""
