"""A channel ready to be asked: its models, its guard and its passages, made from its rows."""
