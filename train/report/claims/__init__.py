"""The papers' claims, and what the runs say of each."""
