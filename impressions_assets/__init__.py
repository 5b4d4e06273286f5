"""Impressions: a Dagster asset platform that turns channels into datasets and models."""
