"""Precomputed tower outputs, and what the trainer reads."""
