"""Nearest-neighbor search over unit vectors: one interface, several engines.

To add an engine, see CONTRIBUTING.md.
"""
