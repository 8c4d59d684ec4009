"""The SQLite database of a gallery: photos, captions and vectors."""
