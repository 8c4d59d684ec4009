"""Photos embedded on many machines at once: by Ray Data, committed here (extra ``ray``)."""

from photoseek.crew.crew import RayCrew

__all__ = ["RayCrew"]
