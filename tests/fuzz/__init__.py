"""Hostile input: the targets, the corpus, and the search for more of it."""
