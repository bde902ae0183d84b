"""Tracking: interfaces, scripts, files and processes, and what they do to a priority."""
