"""Search by text, photo or both: queries, ranking, reranking and hits."""
