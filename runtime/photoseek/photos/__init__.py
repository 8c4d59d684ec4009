"""Photo files: formats, decoding and preprocessing."""
