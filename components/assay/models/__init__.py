"""What a model is: SavedModels, Keras files and Python callables behind one way to ask for predictions."""
