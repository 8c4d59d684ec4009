"""The two-tower model, its checkpoints and its initialization."""
