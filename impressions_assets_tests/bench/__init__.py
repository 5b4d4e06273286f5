"""What the house costs: `make bench` prints it, no test asserts a time."""
