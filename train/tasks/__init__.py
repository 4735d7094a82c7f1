"""Tasks: what a run learns. Each is one file: its data, its network, its loss and its measures."""
