"""``photoseek models``: models of the Hugging Face hub by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photoseek.bundle.installed_models import (
    ModelRecord,
    installed_models,
    is_model_name,
    model_name,
    models_folder,
    require_model,
)
from photoseek.bundle.model_registry import RegisteredModel, registered_models
from photoseek.cli import output
from photoseek.cli.options import JsonOption, complete_precision
from photoseek.errors import MissingExtra, QueryError
from photoseek.system.filenames import decode_filename

if TYPE_CHECKING:
    from photoseek.models.pull import Plan

app = typer.Typer(help="List, download and remove models of the Hugging Face hub.", no_args_is_help=True)


def complete_name(incomplete: str) -> list[str]:
    """Return the names of registered and installed models that start with ``incomplete``."""
    return [name for name in {**registered_models(), **installed_models()} if name.startswith(incomplete)]


_NameArgument = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A model of `photoseek models list`.", autocompletion=complete_name),
]
_COLUMNS = (
    "model",
    "languages",
    "dim",
    "MB",
    "license",
    "recall",
    "benchmark",
    "photos/s",
    "ms/query",
    "installed",
)
_FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="File with the packed model.")]


@app.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """List the models that can be downloaded, by what they find for their cost on this CPU, and those installed.

    The cost is an estimate, from the arithmetic of a model and a measurement of the CPU that takes a second.

    Example: `photoseek models list`
    """
    from photoseek.models import cost

    found, registered = installed_models(), registered_models()
    gflops = cost.measure_gflops()
    names = dict.fromkeys([*(model.name for model in cost.rank_models(registered.values())), *found])
    rows = [_facts(name, found.get(name), gflops) for name in names]
    if as_json:
        output.print_json(rows)
        return
    output.print_table(_COLUMNS, [_row(facts) for facts in rows])
    output.print_line(
        "MB: size of the download per precision. recall: mean of R@1, R@5 and R@10 as published, in percent; compare "
        "only figures of the same benchmark. photos/s, ms/query: estimates for fp32 on this CPU, without decoding",
        error=True,
    )


@app.command()
def pull(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A model of `photoseek models list`, or `hf:ORG/REPO`, each optionally with `@REVISION`.",
            autocompletion=complete_name,
        ),
    ],
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="fp32|fp16|q8|...",
            help="Precision of the towers. Defaults to the most exact one.",
            autocompletion=complete_precision,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Download without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Download a model, check it, and install it under its name.

    Shows the address, the size and the license first, and asks. You can interrupt the command at any time and run it
    again to resume.

    Examples:

    - `photoseek models pull clip-vit-b-32`, then `photoseek index ~/Photos --bundle clip-vit-b-32`
    - A smaller download: `photoseek models pull clip-vit-b-32 --precision q8`
    - Any repository with two towers in ONNX: `photoseek models pull hf:Xenova/clip-vit-base-patch32`
    """
    from photoseek.models.pull import installed, plan_pull, run_pull

    if (record := installed(name, precision)) is None:
        plan = plan_pull(name, precision)
        _confirm(plan, yes=yes)
        with output.exit_on_interrupt("run the command again to resume"), _megabytes("downloading") as update:
            run_pull(plan, update)
        record = ModelRecord.read(models_folder() / plan.target.name)
    _print_installed(record, as_json=as_json)


@app.command()
def remove(name: _NameArgument, as_json: JsonOption = False) -> None:
    """Remove an installed model, or the files of an interrupted download.

    Example: `photoseek models remove clip-vit-b-32`
    """
    from photoseek.models.model_folder import remove_model

    folder = model_name(name)
    if not is_model_name(folder):
        raise QueryError(f"expected the name of a model, found {name!r:.80}; see: photoseek models list")
    freed = remove_model(folder)
    if as_json:
        output.print_json({"name": folder, "bytes": freed})
    else:
        output.print_line(f"{folder} removed, {freed / 1e6:,.1f} MB", error=True)


@app.command()
def where(name: _NameArgument) -> None:
    """Print the folder of an installed model.

    Example: `photoseek models where clip-vit-b-32`
    """
    output.print_line(str(require_model(name)))


@app.command()
def quantize(
    name: _NameArgument,
    images: Annotated[Path | None, typer.Option(help="Captioned images to compare int8 and fp32 by retrieval.")] = None,
    captions: Annotated[Path | None, typer.Option(help="Captions of these images.")] = None,
    max_loss: Annotated[
        float | None, typer.Option(help="With --captions: maximum loss of mean recall, in points. [0.5]")
    ] = None,
    min_cosine: Annotated[
        float | None, typer.Option(help="Without --captions: minimum mean cosine with the vectors of fp32. [0.98]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Add int8 graphs to an installed fp32 model: a quarter of the size, and faster.

    They are kept only if they search as well: on captioned images or, without them, if their vectors of sample texts
    and photos are close to those of fp32.

    Example: `photoseek models quantize clip-vit-b-32`, then `photoseek index ~/Photos --bundle clip-vit-b-32
    --precision int8`
    """
    if (images is None) != (captions is None):
        raise typer.BadParameter("expected both --images and --captions, found one of them")
    folder = require_model(name)
    try:  # a layer above this package
        quantizer, gate = (import_module(f"photoseek_export.{each}") for each in ("bundle_quantizer", "quality_gate"))
    except ImportError as error:
        raise MissingExtra(f"int8 graphs need onnx ({error}); install: pip install 'photoseek[export]'") from error
    limits = {"max_loss": max_loss, "min_cosine": min_cosine}
    given = {option: limit for option, limit in limits.items() if limit is not None}
    facts = quantizer.quantize_bundle(folder, evaluation=images and gate.EvaluationImages(images, captions), **given)
    if as_json:
        output.print_json({"name": model_name(name), **facts})
    else:
        output.print_line(f"{model_name(name)} has int8 graphs; use them with: --precision int8", error=True)


@app.command()
def pack(name: _NameArgument, file: _FileArgument, as_json: JsonOption = False) -> None:
    """Write an installed model to one file, for a machine without a network.

    Example: `photoseek models pack clip-vit-b-32 clip.tar`, then there `photoseek models unpack clip.tar`
    """
    from photoseek.models import archive

    with output.exit_on_interrupt("nothing was written"), _megabytes("packing") as update:
        record = archive.pack(name, file, update)
    if as_json:
        output.print_json({**_record_json(record), "file": decode_filename(str(file))})
    else:
        output.print_line(f"{file}: {record.name}, {record.bytes / 1e6:,.1f} MB", error=True)


@app.command()
def unpack(file: _FileArgument, as_json: JsonOption = False) -> None:
    """Install a packed model after checking every file.

    Example: `photoseek models unpack clip.tar`
    """
    from photoseek.models import archive

    with output.exit_on_interrupt("nothing was installed"), _megabytes("unpacking") as update:
        record = archive.unpack(file, update)
    _print_installed(record, as_json=as_json)


def _confirm(plan: Plan, *, yes: bool) -> None:
    """Print what a pull downloads, and ask on a terminal unless ``yes``.

    Raises:
        QueryError: Nobody can be asked.
    """
    for repository in plan.repositories:
        output.print_line(f"address:  {repository.address}", error=True)
        output.print_line(f"commit:   {repository.commit}", error=True)
    rest = "" if plan.missing == plan.bytes else f", of which {plan.missing / 1e6:,.1f} MB are missing here"
    size = f"{plan.bytes / 1e6:,.1f} MB ({plan.bytes:,} bytes) in {len(plan.files)} files{rest}"
    output.print_line(f"download: {size}, precision {plan.precision}", error=True)
    output.print_line(f"license:  {plan.license}", error=True)
    output.print_line(f"folder:   {models_folder() / plan.target.name}", error=True)
    if yes:
        return
    if not output.can_ask():
        raise QueryError("expected a terminal to ask for confirmation, found none; to download anyway, add --yes")
    if not output.confirm("download it?"):
        output.print_line("nothing was downloaded", error=True)
        raise typer.Exit(output.RUNTIME_ERROR)


@contextmanager
def _megabytes(description: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar in megabytes, and yield its update function, which takes bytes."""
    with output.progress_bar(description, "MB") as update:
        yield lambda done, total: update(done // 1_000_000, total // 1_000_000)


def _print_installed(record: ModelRecord, *, as_json: bool) -> None:
    if as_json:
        output.print_json(_record_json(record))
    else:
        output.print_line(f"{record.name} is installed; use it with: --bundle {record.name}", error=True)


def _record_json(record: ModelRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "folder": decode_filename(str(models_folder() / record.name)),
        "sources": dict(record.sources),
        "precision": record.precision,
        "license": record.license,
        "bytes": record.bytes,
    }


def _facts(name: str, record: ModelRecord | str | None, gflops: float) -> dict[str, Any]:
    """Return what is known of a model: from the registry, and from its record if it is installed."""
    model = registered_models().get(name)
    facts = {} if model is None else _registry_json(model, gflops)
    here: dict[str, Any] = {"installed": record is not None}
    if isinstance(record, str):
        here["problem"] = record
    elif record is not None:
        languages = record.languages or facts.get("languages", [])
        here |= {**_record_json(record), "languages": languages}
    return {"name": name, **facts, **here}


def _registry_json(model: RegisteredModel, gflops: float) -> dict[str, Any]:
    from photoseek.models.cost import estimate_cost

    cost = estimate_cost(model, gflops)
    return {
        "title": model.title,
        "repository": model.repository,
        "layout": model.layout,
        "languages": list(model.languages),
        "dim": model.dim,
        "pixels": model.pixels,
        "precisions": list(model.files),
        "megabytes": dict(model.megabytes),
        "license": model.license,
        "recall": dict(model.recall),
        "benchmark": None if model.benchmark is None else vars(model.benchmark),
        "gflop": dict(model.gflop),
        "estimate": None if cost is None else {"cpu_gflops": gflops, **vars(cost)},
    }


def _row(facts: dict[str, Any]) -> list[str]:
    recall = facts.get("recall") or {}
    benchmark = facts.get("benchmark") or {}
    estimate = facts.get("estimate") or {}
    state = facts.get("problem") or (facts.get("precision", "") if facts["installed"] else "")
    return [
        facts["name"],
        " ".join(facts.get("languages", [])),
        output.plain(facts.get("dim")),
        output.plain(facts.get("megabytes") or None),
        facts.get("license", "-").partition(",")[0],
        " ".join(f"{code} {value:.1f}" for code, value in recall.items() if code in ("en", "zh")) or "-",
        benchmark.get("name", "-"),
        *(_number(estimate.get(key)) for key in ("photos_per_s", "query_ms")),
        state,
    ]


def _number(value: float | None) -> str:
    """Return three digits of a number; "-" for None."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
