"""Reviews by hand: the sheets that people edit, what their edits change, and how it is kept."""
