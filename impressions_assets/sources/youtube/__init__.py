"""YouTube: listing videos by the Data API or without a key, and what changed since."""
