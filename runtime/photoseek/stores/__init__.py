"""Stores: servers that hold a copy of a gallery's vectors and search it, for collections beyond one machine's memory.

The gallery's database stays the truth. ``push`` brings a store up to date with it, ``asking`` searches one.
"""
