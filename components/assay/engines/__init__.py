"""Batches: the engine protocol and its implementations."""
