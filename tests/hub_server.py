"""A local server of the Hugging Face hub's HTTP API, as far as ``huggingface_hub`` uses it for downloads and commits.

Large files (``.onnx``) are in Git LFS: the API reports their SHA-256, and their address redirects to another path.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

REPOSITORY = "Xenova/clip-vit-base-patch32"
COMMIT = "4c1807b705b1d015fb032789cc4d221b23025a6f"
"""The repository and the commit of ``clip-vit-b-32`` in the registry."""

_API = re.compile(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?")
_RESOLVE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_CDN = re.compile(r"/cdn/(.+)")
_PREUPLOAD = re.compile(r"/api/models/([^/]+/[^/]+)/preupload/main")
_COMMIT = re.compile(r"/api/models/([^/]+/[^/]+)/commit/main")
_LFS = re.compile(r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch")
_UPLOAD = re.compile(r"/lfs/([0-9a-f]{64})")


@dataclass
class HubRepository:
    """A repository: its files at each commit, the latest commit last."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    license: str | None = "mit"

    @property
    def latest(self) -> str:
        return list(self.commits)[-1]

    def add(self, files: Mapping[str, bytes], commit: str | None = None) -> str:
        """Add a commit, and return it."""
        contents = repr(sorted((name, hashlib.sha1(data).hexdigest()) for name, data in files.items()))
        commit = commit or hashlib.sha1(f"{len(self.commits)} {contents}".encode()).hexdigest()
        self.commits[commit] = dict(files)
        return commit


@dataclass(frozen=True)
class Request:
    """A request that the server received."""

    path: str
    range: str | None
    token: str | None


@dataclass
class Hub:
    """The server's repositories, what it received, and how it fails.

    Attributes:
        statuses: Answers of the API by repository: a status and headers.
        breaks: Bytes of a file after which its connection breaks, by the end of its name; removed when it happened.
        pauses: Halfway through a file, the server waits for an event, by the name of the file in the repository.
        sent: Other content of files than the API reports, by the end of their names.
        sends_commit: Another commit than the requested one that the server reports.
        ranges: Whether the server supports ranges.
        required_token: The token that permits to create repositories and commits. None: nobody needs one.
        refuses_uploads: Whether the storage of large files denies access.
        private: Repositories that were created as private ones.
        uploads: Large files that were uploaded, by SHA-256.
        messages: Messages of the commits that were uploaded.
    """

    address: str = ""
    repositories: dict[str, HubRepository] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    statuses: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    breaks: dict[str, list[int]] = field(default_factory=dict)
    pauses: dict[str, threading.Event] = field(default_factory=dict)
    sent: dict[str, bytes] = field(default_factory=dict)
    sends_commit: str | None = None
    ranges: bool = True
    required_token: str | None = None
    refuses_uploads: bool = False
    private: list[str] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def add_folder(self, name: str, folder: Path, commit: str | None = None) -> str:
        """Add a commit with the files of a folder to a repository, and return the commit."""
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        return self.repositories.setdefault(name, HubRepository()).add(files, commit)

    def downloaded(self) -> list[str]:
        """Return the names of the files that were requested, in order."""
        found = (_RESOLVE.fullmatch(unquote(request.path)) for request in self.requests)
        return [match[3] for match in found if match]


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """Serve an empty hub on a free port."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield hub
        server.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = unquote(urlparse(self.path).path)
        token = self.headers.get("Authorization")
        self.hub.requests.append(Request(path, self.headers.get("Range"), token))
        if match := _API.fullmatch(path):
            self._info(match[1], match[2])
        elif match := _RESOLVE.fullmatch(path):
            self._resolve(match[1], match[2], match[3])
        elif match := _CDN.fullmatch(path):
            self._content(next(data for data in self._all() if hashlib.sha256(data).hexdigest() == match[1]), path)
        else:
            self._answer(404, b"", {})

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        path = unquote(urlparse(self.path).path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.hub.requests.append(Request(path, None, token := self.headers.get("Authorization")))
        if self.hub.required_token is not None and token != f"Bearer {self.hub.required_token}":
            self._answer(403, b'{"error": "denied"}', {})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif _PREUPLOAD.fullmatch(path):
            self._json({"files": [_upload_mode(file["path"]) for file in json.loads(body)["files"]]})
        elif _LFS.fullmatch(path):
            objects = [self._upload_of(each) for each in json.loads(body)["objects"]]
            self._json({"transfer": "basic", "objects": objects})
        elif match := _COMMIT.fullmatch(path):
            self._commit(match[1], [json.loads(line) for line in body.splitlines()])
        else:
            self._answer(404, b"", {})

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        match = _UPLOAD.fullmatch(self.path)
        if self.hub.refuses_uploads:
            self._answer(403, b"", {})
            return
        complete = match is not None and hashlib.sha256(data).hexdigest() == match[1]
        if match and complete:
            self.hub.uploads[match[1]] = data
        self._answer(200 if complete else 400, b"", {})

    def _json(self, values: object, status: int = 200) -> None:
        self._answer(status, json.dumps(values).encode(), {"Content-Type": "application/json"})

    def _create(self, facts: dict[str, Any]) -> None:
        name = f"{facts['organization']}/{facts['name']}"
        if name in self.hub.repositories:
            self._json({"error": "You already created this model repo", "url": f"{self.hub.address}/{name}"}, 409)
            return
        self.hub.repositories[name] = HubRepository()
        if facts.get("private") or facts.get("visibility") == "private":
            self.hub.private.append(name)
        self._json({"url": f"{self.hub.address}/{name}"})

    def _upload_of(self, facts: dict[str, Any]) -> dict[str, Any]:
        return {**facts, "actions": {"upload": {"href": f"{self.hub.address}/lfs/{facts['oid']}"}}}

    def _commit(self, name: str, lines: list[dict[str, Any]]) -> None:
        """Add a commit with the files of the last one, the sent ones, and the large ones that were uploaded before."""
        repository = self.hub.repositories[name]
        files = dict(repository.commits[repository.latest]) if repository.commits else {}
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.hub.messages.append(value["summary"])
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            else:
                assert line["key"] == "lfsFile"
                files[value["path"]] = self.hub.uploads[value["oid"]]
        commit = repository.add(files)
        self._json({"commitUrl": f"{self.hub.address}/{name}/commit/{commit}", "commitOid": commit})

    def _all(self) -> Iterator[bytes]:
        yield from self.hub.sent.values()
        for repository in self.hub.repositories.values():
            for files in repository.commits.values():
                yield from files.values()

    def _found(self, name: str, revision: str | None) -> tuple[HubRepository, str] | None:
        """Return a repository and a commit, or answer with an error."""
        if name in self.hub.statuses:
            status, headers = self.hub.statuses[name]
            self._answer(status, b'{"error": "refused"}', headers)
            return None
        if (repository := self.hub.repositories.get(name)) is None:
            self._answer(401, b"", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
            return None
        commit = repository.latest if revision in (None, "main") else str(revision)
        if commit not in repository.commits:
            self._answer(404, b"", {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
            return None
        return repository, commit

    def _info(self, name: str, revision: str | None) -> None:
        if (found := self._found(name, revision)) is None:
            return
        repository, commit = found
        card = {"cardData": {"license": repository.license}} if repository.license else {}
        siblings = [_sibling(path, data) for path, data in repository.commits[commit].items()]
        facts = {"id": name, "sha": commit, "private": False, "tags": [], "siblings": siblings, **card}
        self._answer(200, json.dumps(facts).encode(), {"Content-Type": "application/json"})

    def _resolve(self, name: str, revision: str, path: str) -> None:
        if (found := self._found(name, revision)) is None:
            return
        repository, commit = found
        data = repository.commits[commit].get(path)
        headers = {"X-Repo-Commit": self.hub.sends_commit or commit}
        if data is None:
            self._answer(404, b"", {**headers, "X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
            return
        data = next((other for end, other in self.hub.sent.items() if path.endswith(end)), data)
        if path.endswith(".onnx"):
            sha256 = hashlib.sha256(data).hexdigest()
            self.hub.breaks.setdefault(f"/cdn/{sha256}", self.hub.breaks.pop(path, []))
            linked = {
                "X-Linked-Etag": f'"{sha256}"',
                "X-Linked-Size": str(len(data)),
                "Location": f"{self._cdn()}/cdn/{sha256}",
            }
            self._answer(302, b"", {**headers, **linked})
        else:
            self._content(data, path, {**headers, "ETag": f'"{hashlib.sha1(data).hexdigest()}"'})

    def _cdn(self) -> str:
        """Return the address of the server by another name, as large files are on another host."""
        return self.hub.address.replace("127.0.0.1", "localhost")

    def _content(self, data: bytes, path: str, headers: Mapping[str, str] | None = None) -> None:
        requested = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        start = int(requested[1]) if requested and self.hub.ranges else 0
        headers = {**(headers or {}), "Accept-Ranges": "bytes"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        pause = self.hub.pauses.get(path)
        self._answer(206 if start else 200, data[start:], headers, self.hub.breaks.get(path), pause)

    def _answer(
        self,
        status: int,
        body: bytes,
        headers: Mapping[str, str],
        breaks: list[int] | None = None,
        pause: threading.Event | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if breaks:
            self.wfile.write(body[: breaks.pop(0)])
            self.close_connection = True
        else:
            half = len(body) // 2 if pause else 0
            self.wfile.write(body[:half])
            if pause:
                pause.wait()
            self.wfile.write(body[half:])


def _upload_mode(path: str) -> dict[str, object]:
    return {"path": path, "uploadMode": "lfs" if path.endswith(".onnx") else "regular", "shouldIgnore": False}


def _sibling(path: str, data: bytes) -> dict[str, object]:
    """Return what the API reports of a file with ``?blobs=True``."""
    blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
    facts: dict[str, object] = {"rfilename": path, "size": len(data), "blobId": blob}
    if path.endswith(".onnx"):
        facts["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return facts
