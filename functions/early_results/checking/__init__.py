"""What must be in a file, and what is said of one that lacks it."""
