"""The uncertainty of metrics: a paired bootstrap, closed forms, and corrections for many comparisons."""
