"""Trainer: runs the user's `run_fn`."""
