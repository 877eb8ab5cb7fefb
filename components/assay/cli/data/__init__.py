"""What the data commands share: reading with a progress bar, documents, tables, JUnit."""
