"""Photos embedded on many machines at once: by Ray Data, committed here (extra ``ray``)."""

from photoseek.ray_indexing.encoder import RayBackend

__all__ = ["RayBackend"]
