"""The embedded default: a world of drawn, captioned scenes, and a small bundle trained on it."""
