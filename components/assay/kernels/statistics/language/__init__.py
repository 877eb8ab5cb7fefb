"""Statistics of natural-language features: the tokens that they hold."""
