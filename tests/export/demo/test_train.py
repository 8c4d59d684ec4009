"""The road to the embedded bundle, walked in small."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from photoseek import Bundle
from photoseek.captions import read_captions
from photoseek.encoders.encoders import TextEncoder
from photoseek_export.demo.collection import Collection, PhotoCollection
from photoseek_export.demo.scenes.scenes import DEV_SEEDS, TRAIN_SEEDS, captions, compose, picture_name, queries
from photoseek_export.demo.train import MAX_TOKENS, DemoRun, Recipe, export, render_scenes, train
from photoseek_train.config import AugmentConfig
from photoseek_train.errors import DataError
from photoseek_train.model.compact_bert import CompactBert
from toy_world import draw as draw_toy

SMALL = Recipe(
    scenes=24,
    dev_scenes=8,
    reading_epochs=1,
    joint_epochs=1,
    fine_epochs=1,
    chinese_epochs=1,
    closing_epochs=1,
    batch_size=8,
    text_batch_size=16,
    augment=AugmentConfig(size=32),
    fine_augment=AugmentConfig(crop_scale=0.8, size=48),
    size=48,
    berts={
        "en": CompactBert(layers=1, hidden=32, heads=2, vocabulary=1000, positions=MAX_TOKENS),
        "zh": CompactBert(layers=1, hidden=16, heads=2, vocabulary=1000, positions=MAX_TOKENS),
    },
)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> PhotoCollection:
    """Twelve photos to train on and four to measure on; the last of each has no Chinese captions."""
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "images").mkdir()
    names = [f"{number}.png" for number in range(16)]
    for number, name in enumerate(names):
        draw_toy(folder / "images" / name, "red", "blue", seed=number)
    english = "".join(f"{name}#0\tRed and blue, number {number}.\n" for number, name in enumerate(names))
    chinese = "".join(f"{name}#0\t红和蓝\n" for name in names if name not in (names[11], names[15]))
    (folder / "captions.token").write_text(english, "utf-8")
    (folder / "captions.zh.token").write_text(chinese, "utf-8")
    (folder / "train.txt").write_text("\n".join(names[:12]), "utf-8")
    (folder / "dev.txt").write_text("\n".join(names[12:]), "utf-8")
    return PhotoCollection(folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoRun]:
    """Its checkpoints are a gigabyte, and go with it."""
    run = DemoRun(tmp_path_factory.mktemp("workshop"))
    render_scenes(run, SMALL)
    yield run
    shutil.rmtree(run.folder)


def test_what_is_trained_on_is_captions_and_queries_of_training_scenes_only(run: DemoRun) -> None:
    data = run.collection.train("en")
    seed = TRAIN_SEEDS[3]
    expected = [*captions(compose(seed), seed), *queries(compose(seed), seed)]
    name = f"scenes/{picture_name(seed)}"
    assert [caption.text for caption in data.captions if caption.image == name] == expected
    assert len(data.captions) == 24 * 9
    dev = run.collection.dev("en")
    assert list(dev.names) == [f"scenes/{picture_name(seed)}" for seed in DEV_SEEDS[:8]]
    assert len(dev.captions) == 8 * 5


@pytest.mark.parametrize("language", ["en", "zh"])
def test_photographs_lie_beside_the_scenes(
    run: DemoRun, photographs: PhotoCollection, tmp_path: Path, language: str
) -> None:
    """Each in its subfolder; a photo without captions in a language is not in that language's splits."""
    collection = Collection(tmp_path / "pictures", run.drawn, photographs)
    collection.link()
    without = 0 if language == "en" else 1
    for data, scenes, photos in (
        (collection.train(language), 24, 12 - without),  # type: ignore[arg-type]
        (collection.dev(language), 8, 4 - without),  # type: ignore[arg-type]
    ):
        folders = [name.partition("/")[0] for name in data.names]
        assert (folders.count("scenes"), folders.count("photos")) == (scenes, photos)
        assert all(path.is_file() for path in data.paths)
    english = {caption.text for caption in read_captions(photographs.folder / "captions.token")}
    assert english.isdisjoint(collection.train("zh").texts)


def test_what_is_missing_of_the_photographs_is_named(photographs: PhotoCollection, tmp_path: Path) -> None:
    photographs.check_files()
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match=r"captions\.token: not found; expected images/, captions and splits in"):
        PhotoCollection(tmp_path).check_files()


def test_other_photographs_take_the_place_of_those_before(
    run: DemoRun, photographs: PhotoCollection, tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    for given in (photographs, PhotoCollection(tmp_path)):
        Collection(tmp_path / "pictures", run.drawn, given).link()
    assert (tmp_path / "pictures" / "photos").resolve() == tmp_path / "images"


@pytest.fixture(scope="module")
def trained(run: DemoRun) -> DemoRun:
    train(run, SMALL)
    return run


@pytest.mark.slow
def test_scenes_alone_become_a_bundle_of_two_languages(trained: DemoRun, tmp_path: Path) -> None:
    weights = (trained.checkpoint("zh") / "model.safetensors").stat().st_mtime_ns
    train(trained, SMALL)  # resumes where it stopped: at the end
    assert (trained.checkpoint("zh") / "model.safetensors").stat().st_mtime_ns == weights
    export(trained, tmp_path / "bundle")
    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.precisions == ("fp16",)
    assert bundle.manifest.precisions["fp16"]["metrics"]["images"] == 8
    assert bundle.manifest.text_towers["zh"].precisions["fp16"]["metrics"]["captions"] == 40
    assert bundle.manifest.training["settings"]["freeze_images"]
    assert bundle.manifest.text_towers["zh"].training["settings"]["freeze_images"]
    assert TextEncoder(bundle).encode(["a red car", "一辆红色的汽车"]).shape == (2, 256)


@pytest.mark.slow
def test_training_with_photographs_begins_with_an_image_tower_that_knows_some(
    trained: DemoRun, photographs: PhotoCollection, tmp_path: Path
) -> None:
    """A text tower is trained against that tower before both are trained."""
    joint = DemoRun(tmp_path / "joint", photographs, init_from=trained.checkpoint("joint"))
    render_scenes(joint, SMALL)
    train(joint, SMALL)
    assert (joint.checkpoint("reading") / "history.jsonl").is_file()
    for stage in ("joint", "fine"):
        assert (joint.checkpoint(stage) / "history.jsonl").read_text().count('"images": 12') == 1
