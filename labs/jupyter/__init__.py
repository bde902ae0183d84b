"""The kernel, the server, the magics and the learner's copies."""
