"""Extract photos and captions from data sets that pack both into a few large files."""
