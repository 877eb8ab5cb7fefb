"""Statistics of one feature: presence for all, and what its type calls for."""
