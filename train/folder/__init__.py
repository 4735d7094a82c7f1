"""The run's folder: what it holds, and that nothing in it is lost."""
