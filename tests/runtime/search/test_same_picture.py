"""Copies of a picture, told from other pictures of the same kind."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from photoseek.demo.gallery import demo_photos
from photoseek.errors import PhotoError
from photoseek.gallery.thumbnails import make_thumbnail
from photoseek.search import same_picture
from photoseek.search.same_picture import Picture, SamePicture

Change = Callable[[Image.Image], Image.Image]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[Image.Image]:
    """Drawn scenes, each with noise like that of a camera."""
    random = np.random.default_rng(5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        files = sorted(demo_photos().rglob("*.jpg"))[::60]
    found = []
    for file in files:
        with Image.open(file) as image:
            pixels = np.asarray(image.convert("RGB").resize((800, 600)), dtype=np.float32)
        noisy = pixels + random.normal(scale=6, size=pixels.shape)
        found.append(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)))
    assert len(found) >= 5
    return found


def picture(image: Image.Image, quality: int = 90) -> Picture:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return Picture.of(make_thumbnail(data.getvalue(), 400), image.size)


def resized(share: float) -> Change:
    return lambda image: image.resize((round(image.width * share), round(image.height * share)))


def cropped(left: float, top: float, right: float, bottom: float) -> Change:
    def crop(image: Image.Image) -> Image.Image:
        width, height = image.size
        return image.crop((int(width * left), int(height * top), int(width * (1 - right)), int(height * (1 - bottom))))

    return crop


@pytest.mark.parametrize(
    "change",
    [
        resized(0.75),
        resized(0.4),
        resized(2),
        cropped(0.025, 0.025, 0.025, 0.025),
        cropped(0.05, 0, 0, 0),
        cropped(0.05, 0.05, 0.05, 0.05),
        cropped(0.01, 0.02, 0.03, 0.0),
    ],
)
@pytest.mark.parametrize("quality", [40, 90])
def test_smaller_recompressed_and_cropped_copies_are_the_same(
    scenes: list[Image.Image], change: Change, quality: int
) -> None:
    for scene in scenes:
        assert picture(scene).shows_same(picture(change(scene), quality))
        assert picture(change(scene), quality).shows_same(picture(scene))


def test_different_mirrored_and_much_cropped_pictures_are_not(scenes: list[Image.Image]) -> None:
    pictures = [picture(scene) for scene in scenes]
    assert not any(one.shows_same(other) for number, one in enumerate(pictures) for other in pictures[:number])
    for scene, first in zip(scenes, pictures, strict=True):
        assert not first.shows_same(picture(ImageOps.mirror(scene)))
        assert not first.shows_same(picture(cropped(0.3, 0.3, 0, 0)(scene)))


def screenshot(number: int) -> Image.Image:
    image = Image.new("RGB", (400, 800), (245, 245, 250))
    draw = ImageDraw.Draw(image)
    for line in range(20):
        draw.text((20, 30 + line * 35), f"Message {number}-{line}: see you tomorrow", fill=(20, 20, 30))
    return image


def test_screenshots_with_other_words_in_the_same_layout_are_not_the_same() -> None:
    shots = [picture(screenshot(number)) for number in range(12)]
    assert not any(one.shows_same(other) for number, one in enumerate(shots) for other in shots[:number])
    for number, shot in enumerate(shots):
        for share, quality in ((1, 40), (0.75, 70), (0.5, 80)):
            assert shot.shows_same(picture(resized(share)(screenshot(number)), quality))


def test_pictures_without_content_are_compared_by_their_brightness() -> None:
    gray, same, darker = (picture(Image.new("L", (90, 60), level)) for level in (120, 120, 90))
    assert gray.shows_same(same)
    assert not gray.shows_same(darker)


def test_each_thumbnail_is_read_once_and_a_missing_photo_is_no_copy(scenes: list[Image.Image]) -> None:
    read = list[int]()

    def thumbnail(row: int) -> tuple[bytes, tuple[int, int]]:
        read.append(row)
        if row == 2:
            raise PhotoError("no such file")
        data = io.BytesIO()
        scenes[row // 3].save(data, "JPEG")
        return data.getvalue(), scenes[row // 3].size

    same = SamePicture(thumbnail)
    for _ in range(2):
        assert same(0, np.array([1, 2, 3])).tolist() == [True, False, False]
        assert same(2, np.array([0, 1])).tolist() == [False, False]
    assert sorted(read) == [0, 1, 2, 3]


def test_the_kept_pictures_take_about_100_mb(scenes: list[Image.Image]) -> None:
    one = picture(scenes[0])
    assert same_picture._KEPT * (one.fine.nbytes + one.coarse.nbytes + one.crops.nbytes) < 110e6
