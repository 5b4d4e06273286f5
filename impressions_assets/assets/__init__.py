"""One file per stage: declarations with short bodies, and their checks."""
