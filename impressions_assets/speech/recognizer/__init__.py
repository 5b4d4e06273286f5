"""Runs in whisperx's own environment: the standard library, whisperx and Pipes, nothing else."""
