"""Chinese captions and queries of drawn scenes, as a native speaker would phrase them."""
