"""Captioned photos, tokens, batches and augmentation."""
