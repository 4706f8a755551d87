"""The local stack and the demonstration."""
