"""Namespaces of its own for every lab; the standard library only."""
