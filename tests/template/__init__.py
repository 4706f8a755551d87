"""What the template must say, wherever MiniStack does not enforce it (DESIGN 12).

Each test takes the template alone, so that `make wiring` can ask it about copies with one thing taken out.
"""
