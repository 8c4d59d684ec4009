"""English captions and queries of drawn scenes."""
