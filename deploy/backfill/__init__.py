"""Makes canonical frames of raw records anew: with another profile, body or code, or in order."""
