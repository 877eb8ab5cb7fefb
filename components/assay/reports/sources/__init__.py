"""Readers of what pages show and no other part of assay reads: event files, plots, verdicts as plain JSON."""
