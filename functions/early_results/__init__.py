"""The domain of Early Results: standard library only, no input or output, no clock (see README.md beside this file)."""
