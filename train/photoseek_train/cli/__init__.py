"""The command line of photoseek-train."""
