"""Slices: how people write them, and which rows belong to which."""
