"""Bundles by the name of their repository on the Hugging Face hub: download, and upload with a model card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.installed_models import HUB_PREFIX, find_model, is_repository
from photoseek.bundle.layouts import photoseek
from photoseek.bundle.manifest import FileRecord, Layout, Manifest
from photoseek.errors import BundleIncompatible, QueryError
from photoseek.models.hub import endpoint, hub_errors, is_commit
from photoseek.models.pull import installed, plan_pull, run_pull
from photoseek.version import __version__

_TAGS = ("photoseek", "onnx", "image-text-retrieval")
_DIRECTIONS = {"text_to_image": "text to image", "image_to_text": "image to text"}


def pull_bundle(repository: str, revision: str | None = None, precision: str | None = None) -> Path:
    """Return the folder of an installed repository; download it unless it is installed and intact.

    The commit and the checksums are pinned as by ``photoseek models pull``. Only a branch or a tag, and a repository
    that is not installed, use the network.

    Args:
        repository: Its name, ``ORG/REPO``.
        revision: A commit, a branch or a tag. None: the pinned commit, or at first the latest.
        precision: Precision of its graphs. None: that of the installed ones, or the most exact.

    Raises:
        QueryError: Not the name of a repository.
        ModelError: As for ``plan_pull`` and ``run_pull``, or another revision or precision is installed.
        BundleIncompatible: The repository has no model in a supported layout.
    """
    name = HUB_PREFIX + _checked(repository)
    plan, reference = None, name if revision is None else f"{name}@{revision}"
    if revision is not None and not is_commit(revision):
        plan = plan_pull(reference, precision)
        reference = f"{name}@{plan.repositories[0].commit}"
    folder = find_model(name)
    if folder is None or installed(reference, precision) is None:
        folder = run_pull(plan or plan_pull(reference, precision))
    return folder


def push_bundle(bundle: Bundle, repository: str, *, private: bool | None = None, message: str | None = None) -> str:
    """Upload a bundle in one commit, and return the commit.

    Args:
        bundle: A bundle of photoseek.
        repository: Name of the repository, ``ORG/REPO``; it is created if it does not exist.
        private: Whether a new repository is private. None: the default of its owner.
        message: Of the commit.

    Raises:
        QueryError: Not the name of a repository.
        BundleDamaged: A file of the bundle is missing or damaged.
        BundleIncompatible: The bundle has the layout of another program.
        ModelUnavailable: The hub cannot be reached, or denies access.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    if bundle.layout != photoseek.NAME:
        raise BundleIncompatible(
            f"{bundle.path}: expected a bundle of photoseek, found the layout of {bundle.layout}, whose files are "
            "published already"
        )
    bundle.verify()
    card = hub_card(bundle, _checked(repository)).encode()
    manifest = _with_card(bundle.manifest, card)
    changed = {Layout.CARD: card, Layout.MANIFEST: json.dumps(asdict(manifest), indent=2).encode()}
    operations = [
        CommitOperationAdd(name, changed.get(name) or str(bundle.path / name))
        for name in (*manifest.files, Layout.MANIFEST)
    ]
    api = HfApi(endpoint=endpoint(), library_name="photoseek", library_version=__version__)
    with hub_errors(repository, None):
        api.create_repo(repository, private=private, exist_ok=True)
        try:
            done = api.create_commit(repository, operations, commit_message=message or f"Upload {bundle.name}")
        except RuntimeError as error:  # huggingface_hub wraps errors of uploads
            raise error.__cause__ or error from None
    return str(done.oid)


def hub_card(bundle: Bundle, repository: str) -> str:
    """Return the model card of a bundle, with the recalls of its manifest as results that the hub shows."""
    from huggingface_hub import ModelCard

    path = bundle.path / Layout.CARD
    card = ModelCard(path.read_text("utf-8") if path.is_file() else f"# {bundle.name}\n")
    data: Any = card.data
    data.library_name = "photoseek"
    data.license = data.license or bundle.manifest.license.lower()
    data.language = data.language or list(bundle.languages)
    data.pipeline_tag = data.pipeline_tag or "zero-shot-image-classification"
    data.tags = list(dict.fromkeys([*(data.tags or []), *_TAGS]))
    data.model_name = bundle.name
    data.eval_results = list(_results(bundle.manifest))
    usage = f'```python\nfrom photoseek import Bundle\n\nbundle = Bundle.from_pretrained("{repository}")\n```'
    if usage not in card.text:
        card.text = f"{card.text.rstrip()}\n\n## From the hub\n\n{usage}\n"
    return str(card)


def _results(manifest: Manifest) -> Iterator[Any]:
    """Yield each measured recall, of the main text tower and of those of other languages."""
    from huggingface_hub import EvalResult

    towers = {"": manifest.precisions} | {
        f", {language}": tower.precisions for language, tower in manifest.text_towers.items()
    }
    for tower, precisions in towers.items():
        for precision, facts in precisions.items():
            metrics = facts.get("metrics", {})
            for direction in [each for each in _DIRECTIONS if each in metrics]:
                for depth in (1, 5, 10):
                    yield EvalResult(
                        task_type=f"{direction.replace('_', '-')}-retrieval",
                        task_name=f"{_DIRECTIONS[direction]} retrieval",
                        dataset_type="image-caption-pairs",
                        dataset_name=f"{metrics['images']} photos with {metrics['captions']} captions",
                        dataset_config=f"{precision}{tower}",
                        metric_type=f"recall_at_{depth}",
                        metric_name=f"R@{depth}, {_DIRECTIONS[direction]}",
                        metric_value=round(metrics[direction][f"r{depth}"], 2),
                    )


def _with_card(manifest: Manifest, card: bytes) -> Manifest:
    """Return the manifest of a bundle with another model card."""
    record = FileRecord(len(card), hashlib.sha256(card).hexdigest())
    return replace(manifest, files={**manifest.files, Layout.CARD: record})


def _checked(repository: str) -> str:
    if not isinstance(repository, str) or not is_repository(repository):
        raise QueryError(f"expected a repository of the hub as ORG/REPO, found {repository!r:.200}")
    return repository
