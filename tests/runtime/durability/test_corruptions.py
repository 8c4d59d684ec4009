"""With any damaged file of a gallery, a search returns the right answer or a photoseek error, and never crashes."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from changing_gallery import Changing
from corruptions import outcomes, trials_over
from installed import INSTALLED
from photoseek import Gallery
from tiny_bundle import COLORS
from tiny_photos import write_color
from torture import report, rounds, seed

FLIPS = 3  # of each file, in one round


@pytest.fixture(scope="module")
def galleries(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A valid gallery, and one of other photos."""
    changing = Changing.make(tmp_path_factory.mktemp("valid"))
    foreign = tmp_path_factory.mktemp("foreign")
    for number, color in enumerate(COLORS.values()):
        write_color(foreign / f"{number}.png", color, seed=300 + number)
    for folder in (foreign, changing.folder):
        with Gallery.open_or_create(folder, changing.bundle) as gallery:
            gallery.index(engines=INSTALLED)
    write_color(foreign / "more.png", (99, 99, 99))
    with Gallery.open(foreign) as gallery:
        gallery.index()  # gives its current generation the same number
    return changing.folder, foreign


def test_a_damaged_file_is_reported_or_not_used(galleries: tuple[Path, Path], tmp_path: Path) -> None:
    valid, other = galleries
    rng = random.Random(seed("corruptions"))
    trials = trials_over(valid / ".photoseek", rounds(FLIPS), rng)
    found = list(outcomes(trials, valid, other, tmp_path / "work"))
    assert [(trial, outcome) for trial, outcome in found if outcome.startswith("wrong")] == []
    counts = Counter(outcome for _, outcome in found)
    assert counts["right"] > 10  # exact search replaces a damaged index
    assert counts["GalleryDamaged"] > 60
    for outcome, count in sorted(counts.items()):
        report(f"corruptions of files, {outcome}", count)
