"""The pages of a root: what `assay report` writes and `assay ui` serves."""
