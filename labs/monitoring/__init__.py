"""Observers: address events, frames and pings become facts."""
