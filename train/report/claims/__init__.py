"""The papers' claims, and the verdicts that the runs give on them."""
