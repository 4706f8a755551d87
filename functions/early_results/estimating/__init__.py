"""Estimates: a model that somebody else has fitted, applied to a data set. Nothing is fitted here."""
