"""Training of two-tower models from photos and captions."""
