"""Paths: one module per artifact type, with its layout, writer and reader."""
