"""Figures and their text twins; the only importer of matplotlib."""
