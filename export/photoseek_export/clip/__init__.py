"""Exports of CLIP and SigLIP models."""
