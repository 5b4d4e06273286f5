"""The `impressions` command, a file per group of commands."""
