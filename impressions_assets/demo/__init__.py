"""A small channel of our own writing, in the archive layout."""
