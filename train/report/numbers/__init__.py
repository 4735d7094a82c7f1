"""What the runs came to, as numbers: records, measures, statistics."""
