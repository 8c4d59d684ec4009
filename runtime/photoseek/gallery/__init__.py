"""A collection of photos on disk, with the vectors of its bundles."""
