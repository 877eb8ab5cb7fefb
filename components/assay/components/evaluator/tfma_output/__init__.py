"""The files of an evaluation as TFMA writes them, without TFMA: its loaders and its displays read them."""
