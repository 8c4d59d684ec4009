"""Build the Dockerfile and run its image under bubblewrap, where no container engine runs.

    python packaging/container.py build ROOT IMAGE    # ROOT: a base image as a folder, by debootstrap
    python packaging/container.py check IMAGE         # IMAGE: that folder, or / for the photoseek of this Python

``build`` runs, as root, every RUN and COPY of each stage in a copy of ROOT, with the files that .dockerignore admits.
``check`` runs the image as its user, without privileges or network, with a read-only root, /photos and /gallery: it
indexes photos, starts the command of the image, runs its health check, searches, and stops it with SIGTERM; the same
for the page. It also starts the server for assistants, and imports what `index --watch` needs.
An engine is different in its layers, its network and its limits, and its base image is not debootstrap's.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pathspec import GitIgnoreSpec
from PIL import Image

SOURCE = Path(__file__).parents[1]
_HOST_FILES = ("/etc/resolv.conf", "/etc/ssl", "/usr/share/ca-certificates")  # name resolution and certificates
_PASSED = re.compile(
    r"PIP_CERT|PIP_DEFAULT_TIMEOUT|(?i:https?_proxy|no_proxy)|SSL_CERT_\w+"
)  # how packages are reached

# Runs in the container: starts a server, waits until it is healthy, sends a request, and stops it.
_DRIVER = """
import json, signal, subprocess, sys, time, urllib.request
command, health = map(json.loads, sys.argv[1:3])
server = subprocess.Popen(command)
try:
    deadline = time.monotonic() + 60
    while (checked := subprocess.run(health, capture_output=True, text=True)).returncode:
        assert server.poll() is None and time.monotonic() < deadline, checked.stderr
        time.sleep(0.2)
    print(urllib.request.urlopen(sys.argv[3], timeout=60).read().decode())
finally:
    server.send_signal(signal.SIGTERM)
sys.exit(server.wait(60) not in (0, -signal.SIGTERM))
"""
_SEARCH = "http://127.0.0.1:8000/v1/search?q=red&k=1"
_PAGE = "http://127.0.0.1:8501/_stcore/health"


@dataclass
class Stage:
    """The steps of a stage, and what they set for the container."""

    steps: list[tuple[str, str]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"
    folder: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def read(self, word: str, rest: str) -> None:
        """Add an instruction.

        Raises:
            ValueError: This script does not know it.
        """
        if word in ("RUN", "COPY", "WORKDIR"):
            self.steps.append((word, rest))
            self.folder = rest if word == "WORKDIR" else self.folder
        elif word == "ENV":
            for name, value in (each.split("=", 1) for each in shlex.split(rest)):
                self.environment[name] = value.replace("$PATH", self.environment["PATH"])
        elif word == "USER":
            self.user = rest
        elif word == "ENTRYPOINT":
            self.entrypoint = json.loads(rest)
        elif word == "CMD":
            self.command = json.loads(rest)
        elif word == "HEALTHCHECK":
            self.health = json.loads(rest.split("CMD", 1)[1])
        elif word not in ("VOLUME", "EXPOSE"):
            raise ValueError(f"Dockerfile: unknown instruction: {word} {rest}")


def read_stages() -> dict[str, Stage]:
    """Return the stages of the Dockerfile by name, the last one as ``image``."""
    stages: dict[str, Stage] = {}
    text = re.sub(r"^\s*#.*\n", "", (SOURCE / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    for line in filter(None, text.replace("\\\n", " ").splitlines()):
        word, rest = line.split(maxsplit=1)
        if word == "FROM":
            name = rest.split(" AS ")[1] if " AS " in rest else "image"
            stages[name] = Stage(environment={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"})
        elif word != "ARG":
            list(stages.values())[-1].read(word, rest)
    return stages


def build(base: Path, image: Path) -> None:
    """Run the Dockerfile on a base; the root of its last stage becomes the image."""
    stages = read_stages()
    with tempfile.TemporaryDirectory(dir=image.parent) as work:
        roots = {name: Path(work) / name for name in stages}
        for name, stage in stages.items():
            subprocess.run(["cp", "--archive", "--reflink=auto", base, roots[name]], check=True)
            folder = Path("/")
            for word, rest in stage.steps:
                print(f"{name}: {word} {rest}", flush=True)
                if word == "WORKDIR":
                    folder = Path(rest)
                    _inside(roots[name], folder).mkdir(parents=True, exist_ok=True)
                elif word == "RUN":
                    _run(roots[name], stage.environment, folder, rest)
                else:
                    _copy(roots, roots[name], folder, rest)
        roots["image"].rename(image)


def _inside(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _run(root: Path, environment: dict[str, str], folder: Path, command: str) -> None:
    passed = {name: value for name, value in os.environ.items() if _PASSED.fullmatch(name)}
    words = ["bwrap", "--bind", str(root), "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--clearenv"]
    for file in filter(os.path.exists, _HOST_FILES):
        words += ["--ro-bind", file, file]
    for name, value in {**passed, **environment}.items():
        words += ["--setenv", name, value]
    subprocess.run([*words, "--cap-add", "ALL", "--chdir", str(folder), "sh", "-c", command], check=True)


def _copy(roots: dict[str, Path], root: Path, folder: Path, rest: str) -> None:
    *names, target = (word for word in rest.split() if not word.startswith("--"))
    place = _inside(root, folder / target)
    if stage := re.search(r"--from=(\S+)", rest):
        shutil.copytree(_inside(roots[stage[1]], Path(names[0])), place, symlinks=True, dirs_exist_ok=True)
        return
    for file in context():
        if names == ["."] or file in names:
            copied = place / (file if names == ["."] else Path(file).name)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(SOURCE / file, copied)


def context() -> list[str]:
    """Return the files that an engine receives: git's, less those that .dockerignore leaves out."""
    lines = (SOURCE / ".dockerignore").read_text("utf-8").splitlines()
    sent = tuple(line[1:] for line in lines if line.startswith("!"))
    left_out = GitIgnoreSpec.from_lines(line for line in lines if line.startswith("**/"))
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=SOURCE, stdout=-1, check=True)
    files = filter(None, listed.stdout.decode().split("\0"))
    chosen = (file for file in files if any(file == each or file.startswith(f"{each}/") for each in sent))
    return [file for file in chosen if not left_out.match_file(file) and (SOURCE / file).exists()]


def check(image: Path) -> None:
    """Run the image, and print what was checked.

    Raises:
        SystemExit: Something is not as expected.
    """
    stage = read_stages()["image"]
    if image == Path("/"):
        stage.environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        stage.environment |= {
            name: os.environ[name] for name in ("PYTHONPATH", "OMP_NUM_THREADS") if name in os.environ
        }
    with tempfile.TemporaryDirectory() as work:
        photos, gallery = Path(work) / "photos", Path(work) / "gallery"
        for folder in (photos, gallery):
            folder.mkdir()
        for color in ("red", "green", "blue"):
            Image.new("RGB", (64, 64), color).save(photos / f"{color}.png")
        container = ["bwrap", *_sandbox(image, stage, photos, gallery)]
        _expect(container, ["id", "-u"], prints=stage.user.split(":")[0])
        for place in ("/", "/opt", "/photos"):
            _expect(container, ["touch", f"{place}/x"], fails="Read-only file system")
        index = [*stage.entrypoint, "index", "/photos", "--gallery", stage.environment["PHOTOSEEK_GALLERY"]]
        _expect(container, index, fails=None)
        _serve(container, stage.entrypoint + stage.command, stage.health, _SEARCH, '"path":"red.png"')
        _expect(container, [*stage.entrypoint, "mcp"])  # its input has ended, and so does the server
        _expect(container, ["python3", "-c", "import watchfiles"])
        page = yaml.safe_load((SOURCE / "compose.yaml").read_text("utf-8"))["services"]["page"]
        health = page["healthcheck"]["test"][1:]
        _serve(container, stage.entrypoint + page["command"], health, _PAGE, "ok")


def _sandbox(image: Path, stage: Stage, photos: Path, gallery: Path) -> list[str]:
    """Return the options of bubblewrap that run a container of the image."""
    user, group = stage.user.split(":")
    words = ["--unshare-all", "--die-with-parent", "--uid", user, "--gid", group, "--tmpfs", "/"]
    for each in sorted(image.iterdir()):
        if each.is_symlink():
            words += ["--symlink", str(each.readlink()), f"/{each.name}"]
        elif each.is_dir() and each.name not in ("dev", "proc", "tmp", "photos", "gallery"):
            words += ["--ro-bind", str(each), f"/{each.name}"]
    words += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--ro-bind", str(photos), "/photos"]
    if image == Path("/"):  # /tmp of the container is empty, and may be where photoseek is here
        for folder in dict.fromkeys((SOURCE, Path(sys.prefix))):
            words += ["--ro-bind", str(folder), str(folder)]
    words += ["--bind", str(gallery), "/gallery", "--remount-ro", "/", "--clearenv", "--chdir", stage.folder]
    for name, value in stage.environment.items():
        words += ["--setenv", name, value]
    return words


def _serve(container: list[str], command: list[str], health: list[str], url: str, answer: str) -> None:
    """Run a server and its health check in the container, and expect the answer of an address."""
    _expect(container, ["python3", "-c", _DRIVER, json.dumps(command), json.dumps(health), url], prints=answer)


def _expect(container: list[str], command: list[str], *, prints: str | None = None, fails: str | None = None) -> None:
    """Run a command in the container, and check its output and exit code; ``fails``: the expected error."""
    done = subprocess.run(
        [*container, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False
    )
    is_expected = fails in done.stderr if fails else done.returncode == 0
    if not is_expected or (prints is not None and prints not in done.stdout):
        expected = f"the error {fails!r}" if fails else f"{prints or 'exit code 0'}"
        found = f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
        raise SystemExit(f"{shlex.join(command)}: expected {expected}, found {found}")
    name = command[-1] if command[1:2] == ["-c"] else shlex.join(command)
    print(f"ok: {name}{f': {fails or prints}' if fails or prints else ''}", flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["build", base, image]:
            build(Path(base), Path(image))
        case ["check", image]:
            check(Path(image))
        case _:
            raise SystemExit(__doc__)
