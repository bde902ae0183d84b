"""Mininet topologies: which machines there are and which cables join them, and nothing else."""
