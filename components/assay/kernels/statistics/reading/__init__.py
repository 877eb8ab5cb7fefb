"""How a column is read as a feature: what its Arrow type means, where its values are, and what a schema says of it."""
