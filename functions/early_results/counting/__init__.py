"""Which upload counts, and what is frozen."""
