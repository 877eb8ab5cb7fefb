"""What `assay monitor` does: finds new spans, checks each against what is known, and records the result."""
