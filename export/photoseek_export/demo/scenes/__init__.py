"""Drawn scenes with captions and queries, from seeds."""
