"""Scenarios: a language for them, a runner, and random ones."""
