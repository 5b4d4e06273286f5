"""Dagster resources: configuration in, a room's plain client out."""
