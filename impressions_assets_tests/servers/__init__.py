"""Loopback stand-ins of what the house talks to."""
