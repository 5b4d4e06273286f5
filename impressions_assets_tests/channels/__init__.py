"""Tests of what channels.yaml can say."""
