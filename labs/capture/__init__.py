"""Captured frames: recorded, listed, explained field by field, written as pcapng."""
