"""Indexing on the machines of a Ray cluster (extra ``ray``)."""

from photoseek.ray_indexing.encoder import RayBackend

__all__ = ["RayBackend"]
