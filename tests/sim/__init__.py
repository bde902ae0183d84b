"""The simulated ring: clusters in virtual time."""
