"""Stores: servers that search a copy of a gallery's vectors, for collections larger than one machine's memory.

The gallery's database remains the source of truth. ``push`` updates a store from it.
"""
