"""The ``photoseek`` command line."""
