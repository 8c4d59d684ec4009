"""A model on disk: towers, tokenizers, preprocessing, manifest and calibration."""
