"""What queries read: immutable arrays and indexes derived from the database."""
