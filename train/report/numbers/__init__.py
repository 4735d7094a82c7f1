"""The numbers of a study: records, measures, statistics."""
