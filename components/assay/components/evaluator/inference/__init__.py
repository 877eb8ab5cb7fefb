"""Predictions of the models that are judged: SavedModels, Keras files and Python callables."""
