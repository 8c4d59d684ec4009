"""The training loop, its losses and the folder of a run."""
