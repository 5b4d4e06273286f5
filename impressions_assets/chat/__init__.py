"""The room that answers for a channel: passages that match a question, and what is in its scope."""
