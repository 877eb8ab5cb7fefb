"""File formats: CSV, Parquet and TFRecord, read into and written from Arrow record batches or bytes."""
