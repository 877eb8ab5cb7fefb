"""What people see: an artifact in, self-contained HTML out."""
