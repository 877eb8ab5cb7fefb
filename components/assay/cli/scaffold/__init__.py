"""What `assay init` writes: a pipeline for a data set that it has never seen."""
