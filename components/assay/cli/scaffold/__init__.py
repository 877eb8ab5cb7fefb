"""What `assay init` writes: a pipeline for a dataset that it has never seen."""
