"""Indexing on a Ray cluster of two real nodes on this machine, one of which is killed."""

from __future__ import annotations

import dataclasses
import os
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ray = pytest.importorskip("ray", reason="Ray is not installed")
pytest.importorskip("ray.data", reason="Ray's data library is not installed")

from photoseek import Bundle, Gallery  # noqa: E402
from photoseek.errors import IndexingError  # noqa: E402
from photoseek.gallery.indexing.report import IndexReport, Progress  # noqa: E402
from photoseek.gallery.photos import GalleryPhotos  # noqa: E402
from photoseek.ray_indexing import RayBackend  # noqa: E402
from photoseek.sources.base import PhotoEntry  # noqa: E402
from photoseek.sources.local import LocalSource  # noqa: E402
from tiny_photos import write_color  # noqa: E402
from torture import rounds  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of what Ray imports
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # sockets and processes of the cluster
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

long = pytest.mark.skipif(rounds(1) == 1, reason="a minute long: run by make torture")
_HEALTH = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 1000, "health_check_failure_threshold": 4}


@dataclasses.dataclass(frozen=True)
class Watched(LocalSource):
    """A slow folder that records which node read which photo."""

    log: Path
    pause_s: float = 0.0
    nodes_at_least: int = 1
    deadly: str = ""

    def read_stable(self, photo: PhotoEntry) -> tuple[PhotoEntry, bytes] | None:
        if photo.path == self.deadly:
            os._exit(1)  # like a decoder that crashes
        with self.log.open("a") as log:
            log.write(f"{ray.get_runtime_context().get_node_id()} {photo.path}\n")
        until = time.monotonic() + 60
        while len(self.nodes()) < self.nodes_at_least and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(self.pause_s)
        return super().read_stable(photo)

    def nodes(self) -> set[str]:
        return {line.split()[0] for line in self.log.read_text().splitlines()}


@dataclasses.dataclass(frozen=True)
class Elsewhere(LocalSource):
    """A folder that the workers' machines have not mounted."""

    def read_stable(self, _: PhotoEntry) -> tuple[PhotoEntry, bytes] | None:
        return None


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A head that encodes nothing, with a port for clients, and two nodes of one processor each."""
    import ray.cloudpickle
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch, socket.socket() as probe:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")  # even if the user who runs the tests has a token
        patch.setenv("RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S", "120")  # the port for clients, on a loaded machine
        if rounds(1) > 1:  # Ray's client needs it; with it, forked children of later tests hang in a client of Milvus
            patch.setenv("GRPC_ENABLE_FORK_SUPPORT", "0")
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        head = {"num_cpus": 0, "include_dashboard": False, "ray_client_server_port": port, "_system_config": _HEALTH}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        cluster.client_port = port
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # nodes don't find the tests
        yield cluster
        cluster.shutdown()


@pytest.fixture
def many(photos: Path) -> Path:
    """More photos, and a file that cannot be decoded."""
    for number in range(96):
        write_color(photos / "more" / f"{number}.png", (2 * number, 255 - 2 * number, 90), seed=1000 + number)
    (photos / "more" / "broken.jpg").write_bytes(b"no photo")
    return photos


def count_commits(gallery: Gallery) -> None:
    """Make the database count how often each photo is written."""
    with sqlite3.connect(gallery.path / "gallery.sqlite") as connection:
        connection.execute("CREATE TABLE commits (path TEXT)")
        for what in ("INSERT", "UPDATE"):
            connection.execute(
                f"CREATE TRIGGER noted_{what} AFTER {what} ON photos BEGIN INSERT INTO commits VALUES (new.path); END"
            )
    connection.close()


def commits(gallery: Gallery) -> list[str]:
    return sorted(path for (path,) in gallery.database.query("SELECT path FROM commits"))


def contents(gallery: Gallery) -> dict[str, tuple[object, ...]]:
    """Return everything that the database stores about each photo's content."""
    sql = "SELECT path, sha256, reason, width, height, vector, taken FROM photos LEFT JOIN vectors USING (sha256)"
    return {path: tuple(facts) for path, *facts in gallery.database.query(sql)}


def tried_again(index: Callable[[], IndexReport]) -> IndexReport:
    """Retry twice: on a loaded machine, Ray's client gives up before its server has started (half a minute)."""
    for _ in range(2):
        try:
            return index()
        except IndexingError as error:
            if "cannot be joined" not in str(error):
                raise
    return index()


def test_a_lost_node_loses_and_duplicates_no_photo(
    many: Path, tiny_bundle: Bundle, cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Gallery.create(many, tiny_bundle, tmp_path / "plain")
    plain.index()
    gallery = Gallery.create(many, tiny_bundle, tmp_path / "by-ray")
    count_commits(gallery)
    folder = Watched(many, tmp_path / "read.log", pause_s=0.05, nodes_at_least=2)
    monkeypatch.setattr(GalleryPhotos, "source", folder)
    killed: list[str] = []

    def kill(progress: Progress) -> None:
        if not killed and progress.done >= 24 and len(folder.nodes()) == 2:
            node = next(node for node in cluster.worker_nodes if node.node_id in folder.nodes())
            killed.append(node.node_id)
            cluster.remove_node(node, allow_graceful=False)

    try:
        report = gallery.index(progress=kill, backend=RayBackend(cluster.address))
    finally:
        if killed:
            cluster.add_node(num_cpus=1)
    assert len(killed) == 1
    assert (report.photos, report.encoded, len(report.unreadable)) == (121, 120, 1)
    assert commits(gallery) == sorted(plain.database.paths())
    assert contents(gallery) == contents(plain)  # bit for bit
    assert gallery.index(backend=RayBackend(cluster.address)).unchanged == 121


@long
def test_a_client_outside_the_cluster_sends_its_bundle(
    photos: Path, tiny_bundle: Bundle, cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Gallery.create(photos, tiny_bundle, tmp_path / "plain")
    plain.index()
    monkeypatch.setattr(tiny_bundle, "reference", "/nowhere/bundle")
    gallery = Gallery.create(photos, tiny_bundle, tmp_path / "by-ray")
    report = tried_again(
        lambda: gallery.index(tiny_bundle, backend=RayBackend(f"ray://127.0.0.1:{cluster.client_port}"))
    )
    assert report.encoded == 24
    assert contents(gallery) == contents(plain)
    (arrived,) = Path(os.environ["XDG_CACHE_HOME"], "photoseek", "bundles").iterdir()
    assert Bundle.load(arrived).fingerprint == tiny_bundle.fingerprint


@long
def test_a_photo_that_kills_its_process_is_reported_and_delays_no_other(
    photos: Path, tiny_bundle: Bundle, cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = Gallery.create(photos, tiny_bundle, tmp_path / "by-ray")
    monkeypatch.setattr(GalleryPhotos, "source", Watched(photos, tmp_path / "log", deadly="red/red-1.png"))
    report = gallery.index(backend=RayBackend(cluster.address))
    assert report.unreadable == [("red/red-1.png", "a process ended while it was decoded")]
    assert report.encoded == 23


@long
def test_an_interruption_saves_encoded_photos_and_a_machine_without_photos_is_named(
    many: Path, tiny_bundle: Bundle, cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = Gallery.create(many, tiny_bundle, tmp_path / "by-ray")
    monkeypatch.setattr(GalleryPhotos, "source", Watched(many, tmp_path / "log", pause_s=0.02))

    def interrupt(progress: Progress) -> None:
        if progress.done >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gallery.index(progress=interrupt, backend=RayBackend(cluster.address))
    saved = gallery.database.count()
    assert 8 <= saved < 121
    monkeypatch.setattr(GalleryPhotos, "source", Elsewhere(many))
    with pytest.raises(IndexingError, match=r"expected to see .*, found no such file; mount the folder there"):
        gallery.index(backend=RayBackend(cluster.address))
    assert gallery.database.count() == saved
