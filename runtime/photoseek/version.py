"""The version of photoseek."""

__version__ = "0.1.0"
