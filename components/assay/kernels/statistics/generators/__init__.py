"""Statistics across features, and of what values mean: correlations, label statistics, domains, a user's own."""
