"""The names of tfx.v1, so that a TFX pipeline ports by changing its imports."""
