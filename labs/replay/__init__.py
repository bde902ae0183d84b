"""Recorded lessons, and a lab that plays them."""
