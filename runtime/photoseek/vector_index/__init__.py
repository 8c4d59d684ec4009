"""Nearest-neighbour search over unit vectors: one interface, several engines."""
