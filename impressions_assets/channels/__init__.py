"""What channels.yaml can say: its schema and its text, and errors in the user's words."""
