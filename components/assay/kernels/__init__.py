"""Numbers: mergeable accumulators and distances on Arrow record batches."""
