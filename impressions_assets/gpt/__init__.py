"""From documents to a model that speaks like the channel."""
