"""A report as blocks, and the blocks as one HTML page or as Markdown."""
