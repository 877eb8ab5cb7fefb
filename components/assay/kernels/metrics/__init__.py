"""Metrics of models as mergeable accumulators: numbers in, numbers out, overall and in slices in one pass."""
