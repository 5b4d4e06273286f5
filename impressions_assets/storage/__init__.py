"""Where everything is kept: files, tables, what is valid and due, what was asked and received."""
