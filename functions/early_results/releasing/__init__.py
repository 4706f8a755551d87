"""The autumn data set: which files a release holds, its rows, and what it says of itself."""
