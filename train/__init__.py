"""A data-parallel trainer that shows what a learning-rate schedule does."""
