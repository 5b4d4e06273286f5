"""Scores on real data that lies outside the repository."""
