"""What the site needs beside Sphinx: docstrings in Markdown, and pages from outside `docs/`."""
