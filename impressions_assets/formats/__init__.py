"""The formats that a channel leaves the house in; `export.py` is the door."""
