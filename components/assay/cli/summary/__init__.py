"""What a run came to, read from its artifacts by their types, so that it fits any pipeline."""

from __future__ import annotations

from assay.cli.summary.document import run_document
from assay.cli.summary.text import print_failed_steps, print_summary

__all__ = ["print_failed_steps", "print_summary", "run_document"]
