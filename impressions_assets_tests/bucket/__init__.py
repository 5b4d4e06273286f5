"""A bucket is a folder: the same tables, files, texts and runs, on a stand-in of Google's."""
