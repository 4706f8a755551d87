"""How much one answer holds. The code keeps to it, and the contract says it."""

from __future__ import annotations

PAGE = 50  # uploads of one page of the history
MOST_SCHOOLS = 1000  # of one page of the board
MOST_WAITING = 100  # uploads that a freeze waits for, on the board
MOST_LEFT_OUT = 100  # rows of an export, of each kind
MOST_FIGURES = 25  # schools of one page of figures: a large one is 100 KB of CSV, and Lambda answers with 6 MB
LINK_SECONDS = 300  # how long a link is good
