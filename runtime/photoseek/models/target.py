"""What a reference to a model means: repositories, commits and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from photoseek.bundle.installed_models import HUB_PREFIX, is_model_name, is_repository, model_name, similar_names
from photoseek.bundle.model_registry import RegisteredModel, RepositoryFiles, registered_models
from photoseek.errors import QueryError
from photoseek.models.pins import Pin, read_pin


@dataclass(frozen=True)
class Target:
    """A model to download.

    Attributes:
        name: Its name.
        precision: The precision. None: the most exact one of the repository.
        sources: Repositories, the main one first; without files, they are selected by the layout of their names.
        folder: Folder of the main repository that is not part of the names of installed files.
        sha256: Known checksums by file.
        license: Its license; None: the one that its repository names.
        languages: ISO 639-1 codes of its languages; if there are none, those of its layout.
        dim: Length of its vectors; None: not known.
    """

    name: str
    precision: str | None
    sources: tuple[RepositoryFiles, ...]
    folder: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    license: str | None = None
    languages: tuple[str, ...] = ()
    dim: int | None = None


def resolve(reference: str, precision: str | None = None) -> Target:
    """Return the model that a reference names: ``NAME`` or ``hf:ORG/REPO``, optionally with ``@REVISION``.

    A revision in the reference replaces the pinned one.

    Raises:
        QueryError: There is no such model, or it does not have the precision.
    """
    base, _, revision = reference.partition("@")
    name = model_name(base)
    if base.startswith(HUB_PREFIX):
        repository = base.removeprefix(HUB_PREFIX)
        if not is_repository(repository) or not is_model_name(name):
            raise QueryError(f"expected a repository as {HUB_PREFIX}ORG/REPO, found {reference!r:.200}")
        pin = Pin() if revision else read_pin(name)
        source = RepositoryFiles(repository, (), revision or pin.sources.get(repository))
        return Target(name, precision, (source,), sha256=pin.sha256)
    if (model := registered_models().get(base)) is None:
        names = similar_names(base)
        hint = f"similar models: {', '.join(names)}" if names else "see: photoseek models list"
        raise QueryError(f"expected a model of the registry or {HUB_PREFIX}ORG/REPO, found {reference!r:.200}; {hint}")
    return _registered(model, revision, precision)


def _registered(model: RegisteredModel, revision: str, precision: str | None) -> Target:
    chosen = precision or model.default_precision
    if chosen not in model.files:
        raise QueryError(
            f"model {model.name}: expected a precision among {', '.join(model.files)}, found {precision!r:.80}"
        )
    pin = Pin() if revision else read_pin(model.name)
    main = RepositoryFiles(
        model.repository,
        (*model.common, *model.files[chosen]),
        revision or model.revision or pin.sources.get(model.repository),
    )
    more = tuple(
        RepositoryFiles(each.repository, each.files, each.revision or pin.sources.get(each.repository))
        for each in model.more
    )
    known = {} if revision else dict(model.sha256)
    if pin.sources.get(model.repository) == main.revision:  # another one after an update of the registry
        known = {**pin.sha256, **known}
    return Target(model.name, chosen, (main, *more), model.folder, known, model.license, model.languages, model.dim)
