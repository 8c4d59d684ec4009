#!/usr/bin/env bash
# usearch 2.26.6: a batch search of an index with fewer vectors than requested returns key 0 in place of nothing.
#
# Expected: missing positions have an invalid key (faiss returns -1), or the arrays end earlier, as for a single query.
# Found: BatchMatches.keys is padded with 0, which is the key of a real vector in most indexes, and distances with NaN.
# Only BatchMatches.counts, and indexing the matches of one query, tell them apart. Code that reads the array of keys, as
# one does with faiss or hnswlib, returns the first vector as a hit (source: usearch/index.py, _search_in_compiled).
# Workaround: cut each row at its count.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet usearch==2.26.6 numpy==2.4.6
cd "$work"
venv/bin/python - <<'PY'
import numpy as np
from usearch.index import Index

index = Index(ndim=8, metric="cos")
index.add(np.arange(3), np.eye(3, 8, dtype=np.float32))
queries = np.eye(3, 8, dtype=np.float32)[1:]
batch, single = index.search(queries, 5), index.search(queries[0], 5)
print(f"keys of a batch: {batch.keys.tolist()}, counts {batch.counts.tolist()}; of a single query: {single.keys.tolist()}")
assert batch.counts.tolist() == [3, 3]
assert batch.keys[:, 3:].tolist() == [[0, 0], [0, 0]]
assert np.isnan(batch.distances[:, 3:]).all()
assert len(single.keys) == 3
PY
echo "holds: usearch 2.26.6 pads the keys of a batch search with 0"
