"""The functions that tell people by e-mail: one finds what is to be told, the other sends it."""
