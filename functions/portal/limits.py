"""How much one request and one answer hold. The code keeps to it, the contract says it, and the page is told it."""

from __future__ import annotations

MOST_FILES = 500  # of one request for upload forms
LONGEST_NAME = 255  # characters of a file's name
NAME_BYTES = 1500  # bytes of a name, percent-encoded, in an object's metadata
# Lambda takes a request of 6 MB (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), and base64
# makes four bytes of three. An export of a school has a few hundred kilobytes.
MOST_EXPORT = 3_000_000  # bytes of an export that is matched
MOST_BASE64 = 4 * 1024 * 1024
MOST_CORRECTIONS = 5_000  # cells of one file: 700 pupils in seven columns
PAGE = 50  # uploads of one page of the history
MOST_SCHOOLS = 1000  # of one page of the board
MOST_WAITING = 100  # uploads that a freeze waits for, on the board
MOST_LEFT_OUT = 100  # rows of an export, of each kind
MOST_FIGURES = 25  # schools of one page of figures: a large one is 100 KB of CSV, and Lambda answers with 6 MB
LINK_SECONDS = 300  # how long a link is good
