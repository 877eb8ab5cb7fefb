"""How sure a metric is: a paired bootstrap, closed forms, and corrections for many comparisons."""
