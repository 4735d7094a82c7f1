"""The run's folder: its configuration, records and checkpoints, none of which is lost."""
