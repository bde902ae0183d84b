"""Notification: scripts, FIFOs and mail."""
