"""A simulated fleet for machines without recordings: plausible motion in each vendor's own form."""
