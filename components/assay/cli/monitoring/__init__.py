"""What `assay monitor` does: finds new spans, holds each against what is known, and keeps a record of it."""
