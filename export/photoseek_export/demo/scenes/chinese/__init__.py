"""The drawn world in Chinese: captions and queries of the same scenes, written as a native speaker words them."""
