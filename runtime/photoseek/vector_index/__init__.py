"""Nearest-neighbor search over unit vectors: one interface, several engines.

To add an engine, write a module with an ``Index``, add it to ``registry``, and have ``tuning`` build it.
"""
