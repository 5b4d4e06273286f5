"""YouTube: what it lists, what changed since, and its captions."""
