"""Object storage on this machine: servers of the real protocols, which tests fill with separate clients."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import numpy as np
import pytest
from PIL import Image

BUCKET = "bucket"


def picture(color: tuple[int, int, int], seed: int = 0) -> bytes:
    """Return a PNG of one color with noise, so that no two are equal."""
    noise = np.random.default_rng(seed).integers(-12, 13, size=(36, 48, 3))
    target = io.BytesIO()
    Image.fromarray(np.clip(np.array(color) + noise, 0, 255).astype(np.uint8)).save(target, "PNG")
    return target.getvalue()


class S3:
    """Moto's S3 in a thread of this process."""

    def __init__(self) -> None:
        pytest.importorskip("s3fs")
        server = pytest.importorskip("moto.server")
        import boto3

        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        self._server = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        self.endpoint = f"http://127.0.0.1:{self._server.get_host_and_port()[1]}"
        self.stopped = False
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        self.client = boto3.client("s3", endpoint_url=self.endpoint, **keys)

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""
        self.client.put_object(Bucket=BUCKET, Key=key, Body=data)

    def delete(self, key: str) -> None:
        """Remove an object."""
        self.client.delete_object(Bucket=BUCKET, Key=key)

    def empty(self) -> None:
        """Remove everything, and create an empty bucket."""
        urlopen(Request(f"{self.endpoint}/moto-api/reset", method="POST")).close()
        self.client.create_bucket(Bucket=BUCKET)

    def stop(self) -> None:
        """Stop answering."""
        self._server.stop()
        self.stopped = True


_running: list[S3] = []


@contextmanager
def s3() -> Iterator[S3]:
    """Yield a server with an empty bucket, configured in the environment; the next caller uses the same server."""
    if not _running or _running[-1].stopped:
        _running.append(S3())
    server = _running[-1]
    server.empty()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        for name, value in {
            "ACCESS_KEY_ID": "test",
            "SECRET_ACCESS_KEY": "test",
            "DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(f"AWS_{name}", value)
        patch.setattr("s3fs.S3FileSystem.retries", 2)  # five take long
        forget_clients("s3fs")
        yield server
        forget_clients("s3fs")


class GCS:
    """The emulator of Google's storage in a thread of this process."""

    def __init__(self) -> None:
        pytest.importorskip("gcsfs")
        emulator = pytest.importorskip("gcp_storage_emulator.server")
        for name in ("gcp_storage_emulator", "gcp_storage_emulator.server"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._server = emulator.create_server("127.0.0.1", 0, in_memory=True, default_bucket=BUCKET)
        self._server.start()
        self.endpoint = f"http://127.0.0.1:{self._server._api._httpd.server_address[1]}"

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""
        address = f"{self.endpoint}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={quote(key, safe='')}"
        urlopen(Request(address, data, {"Content-Type": "image/png"}, method="POST")).close()

    def delete(self, key: str) -> None:
        """Remove an object."""
        urlopen(Request(f"{self.endpoint}/storage/v1/b/{BUCKET}/o/{quote(key, safe='')}", method="DELETE")).close()

    def stop(self) -> None:
        """Stop answering."""
        self._server.stop()


@contextmanager
def gcs() -> Iterator[GCS]:
    """Yield a server with an empty bucket, configured in the environment."""
    server = GCS()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", server.endpoint)
        forget_clients("gcsfs")
        try:
            yield server
        finally:
            server.stop()
            forget_clients("gcsfs")


def forget_clients(package: str) -> None:
    """Clear the cache of clients, which have the endpoint that they were created for."""
    kind: Any = pytest.importorskip(package)
    (kind.S3FileSystem if package == "s3fs" else kind.GCSFileSystem).clear_instance_cache()
