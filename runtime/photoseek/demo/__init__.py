"""The demo: 300 drawn, captioned scenes, and a small bundle trained on others."""
