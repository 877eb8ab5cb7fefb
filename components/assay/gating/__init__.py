"""May it be released? Verdicts and the pure functions that reach them."""
