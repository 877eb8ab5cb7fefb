"""Mergeable summaries of values, blind to features: counts of each value, moments, quantiles and histograms."""
