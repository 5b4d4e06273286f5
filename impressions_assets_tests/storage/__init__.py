"""Tests of where everything is kept."""
