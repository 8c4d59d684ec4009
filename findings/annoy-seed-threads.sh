#!/usr/bin/env bash
# Annoy 1.17.3: set_seed makes a build reproducible only with n_jobs=1, and the default is one thread per core.
#
# Expected: the same items, seed and number of trees give the same index file, as the README says about set_seed.
# Found: each build thread seeds its own generator, and the threads append their trees to one array in the order in which they
# finish (source: spotify/annoy, src/annoylib.h, thread_build). Two builds with several threads differ, so a cache keyed by the
# hash of the file never hits. The trees also depend on the number of threads: machines with different numbers of cores return
# different results, and a recall measured on one does not apply to the other.
# Workaround: build(trees, n_jobs=1) if the same input must give the same bytes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet annoy==1.17.3 numpy==2.4.6
cd "$work"
venv/bin/python - <<'PY'
import hashlib
import pathlib

import numpy as np
from annoy import AnnoyIndex

vectors = np.random.default_rng(0).normal(size=(3_000, 64)).astype("f4")


def build(n_jobs):
    index = AnnoyIndex(64, "angular")
    index.set_seed(7)
    for row, vector in enumerate(vectors):
        index.add_item(row, vector)
    index.build(16, n_jobs=n_jobs)
    index.save("index.ann")
    answers = [tuple(index.get_nns_by_vector(vector, 10, search_k=200)) for vector in vectors[:200]]
    return hashlib.sha256(pathlib.Path("index.ann").read_bytes()).hexdigest()[:12], answers


answers = {}
for n_jobs in (1, 4):
    builds = [build(n_jobs) for _ in range(5)]
    files = {file for file, _ in builds}
    answers[n_jobs] = builds[0][1]
    print(f"n_jobs={n_jobs}: {len(files)} different files of 5 builds with the same seed")
    assert (len(files) == 1) == (n_jobs == 1), files
differing = sum(one != four for one, four in zip(answers[1], answers[4], strict=True))
print(f"{differing} of 200 answers differ between one thread and four")
assert differing > 100
PY
echo "holds: Annoy 1.17.3, builds with a seed and several threads differ; answers depend on the number of threads"
