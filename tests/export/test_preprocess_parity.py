"""The runtime's pixel values are torchvision's, for all common kinds of images."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torchvision.transforms import v2

from photoseek.photos.decode import open_photo
from photoseek.photos.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing

SMALL = Preprocessing(112, 112, 128)
LARGE = Preprocessing(224, 224, 256)
SQUASHED = Preprocessing(112, 112, None)


def reference(image: Image.Image, preprocessing: Preprocessing) -> np.ndarray:
    """Return pixel values as documented for torchvision's ImageNet models, from an RGB picture."""
    size = (preprocessing.height, preprocessing.width)
    bilinear = v2.InterpolationMode.BILINEAR
    if preprocessing.shortest_edge is None:
        resize: list[torch.nn.Module] = [v2.Resize(size, bilinear, antialias=True)]
    else:
        resize = [v2.Resize(preprocessing.shortest_edge, bilinear, antialias=True), v2.CenterCrop(size)]
    steps = [
        *resize,
        v2.PILToTensor(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
    ]
    return v2.Compose(steps)(image).numpy()


def scene(width: int, height: int) -> Image.Image:
    """A smooth picture with edges and some noise, like a photo."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 120 * np.sin(x / (9 + 4 * channel) + y / (17 - 3 * channel)) for channel in range(3)]
    pixels = np.stack(waves, axis=-1) + np.random.default_rng(width).normal(0, 8, size=(height, width, 3))
    pixels[height // 3 : height // 2, width // 4 : width // 2] = (250, 20, 60)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, format_: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)  # type: ignore[arg-type]
    return file.getvalue()


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(scene(400, 300), "JPEG", exif=exif, quality=95)


def sixteen_bit() -> Image.Image:
    grey = np.asarray(scene(300, 200).convert("L"), dtype=np.uint16) * 257
    return Image.fromarray(grey)


def with_alpha() -> Image.Image:
    image = scene(300, 200).convert("RGBA")
    ramp = np.tile(np.linspace(0, 255, 300).astype(np.uint8), (200, 1))
    image.putalpha(Image.fromarray(ramp))
    return image


def on_white(image: Image.Image) -> Image.Image:
    """Composite by the definition: alpha * color + (1 - alpha) * white."""
    values = np.asarray(image, dtype=np.float64)
    alpha = values[..., 3:] / 255
    return Image.fromarray(np.rint(alpha * values[..., :3] + (1 - alpha) * 255).astype(np.uint8))


PICTURES = {
    "landscape": (encoded(scene(640, 427), "JPEG", quality=95), lambda image: image),
    "portrait": (encoded(scene(427, 640), "JPEG", quality=95), lambda image: image),
    "square": (encoded(scene(224, 224), "PNG"), lambda image: image),
    "tiny": (encoded(scene(9, 7), "PNG"), lambda image: image),
    "one pixel": (encoded(Image.new("RGB", (1, 1), (9, 99, 199)), "PNG"), lambda image: image),
    "panorama": (encoded(scene(1500, 200), "PNG"), lambda image: image),
    "EXIF-rotated": (rotated(), ImageOps.exif_transpose),
    "CMYK": (encoded(scene(300, 200).convert("CMYK"), "JPEG", quality=95), lambda image: image.convert("RGB")),
    "16-bit": (encoded(sixteen_bit(), "PNG"), lambda _: scene(300, 200).convert("L").convert("RGB")),
    "palette": (encoded(scene(300, 200).quantize(64), "PNG"), lambda image: image.convert("RGB")),
    "alpha": (encoded(with_alpha(), "PNG"), on_white),
    "grey": (encoded(scene(300, 200).convert("L"), "JPEG"), lambda image: image.convert("RGB")),
}


@pytest.mark.parametrize("preprocessing", [SMALL, LARGE, SQUASHED], ids=["112", "224", "squashed"])
@pytest.mark.parametrize("name", PICTURES)
def test_pixel_values_are_torchvisions(name: str, preprocessing: Preprocessing) -> None:
    data, as_rgb = PICTURES[name]
    expected = reference(as_rgb(Image.open(io.BytesIO(data))), preprocessing)
    found = preprocessing(open_photo(data))
    assert found.shape == expected.shape
    # Resize and crop in one step round once instead of twice: some pixels differ by one level, none on average.
    levels = (found - expected) * 255 * np.array(IMAGENET_STD, dtype=np.float32)[:, None, None]
    assert np.abs(levels).max() < 1.001
    assert abs(levels.mean()) < 0.005
