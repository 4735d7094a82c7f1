"""A run: from a configuration to a trained network, and what it came to."""
