"""What people have, as record batches: files, folders, frames and tables, and the formats they are in."""
