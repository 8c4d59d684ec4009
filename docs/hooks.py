"""Pages that mkdocs generates from the code: commands, HTTP API, and files outside of ``docs/``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import typer
from mkdocs.structure.files import File, Files
from typer.cli import get_docs_for_click

ROOT = Path(__file__).parents[1]
COPIED = {"benchmarks.md": "benchmarks/README.md", "changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}
PROGRAMS = ("photoseek", "photoseek-train", "photoseek-export")
_LINK = re.compile(r"\[([^\]]*)\]\(((?:\.\./)+)([^)#]+)(#[^)]*)?\)")  # to a file of the repository, outside of docs/


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages."""
    for page, source in COPIED.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text("utf-8")))
    for picture in (ROOT / "benchmarks/results").glob("*.svg"):
        files.append(File.generated(config, f"results/{picture.name}", abs_src_path=str(picture)))
    files.append(File.generated(config, "reference/commands.md", content=commands()))
    files.append(File.generated(config, "reference/http.md", content=http_api()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Point links to copied files at their pages, and print the names of other files of the repository."""
    pages = {source: name for name, source in COPIED.items()}
    up = "../" * page.file.src_uri.count("/")

    def follow(match: re.Match[str]) -> str:
        text, _, target, anchor = match.groups()
        if target in pages:
            return f"[{text}]({up}{pages[target]}{anchor or ''})"
        return text if text.startswith("`") else f"`{text}`" if text == Path(target).name else f"{text} (`{target}`)"

    if page.file.src_uri in COPIED:
        markdown = re.sub(r"\]\(docs/", "](", markdown)
    return _LINK.sub(follow, markdown)


def commands() -> str:
    """Return the help of every command of the three programs as Markdown."""
    import photoseek.cli.app
    import photoseek_export.cli
    import photoseek_train.cli.app

    apps = zip(PROGRAMS, (photoseek.cli.app.app, photoseek_train.cli.app.app, photoseek_export.cli.app), strict=True)
    parts = ["# Commands\n\nGenerated from the programs' own help.\n"]
    for name, app in apps:
        command = typer.main.get_command(app)
        context = typer.Context(command, info_name=name)
        parts.append(get_docs_for_click(obj=command, ctx=context, name=name, indent=1))
    return "\n".join(parts)


def http_api() -> str:
    """Return the endpoints of the service as Markdown, from its OpenAPI document."""
    from photoseek.service.app import make_app

    document = make_app(cast("Any", None)).openapi()  # the schema needs no gallery
    parts = [f"# HTTP API\n\nGenerated from the OpenAPI document of version {document['info']['version']}.\n"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            summary, description = operation.get("summary", ""), operation.get("description", "")
            parts.append(f"## `{method.upper()} {path}`\n\n{summary}\n\n{description}\n")
            parameters = operation.get("parameters", ())
            parts += _table("parameter", [(each["name"], each.get("description", "")) for each in parameters])
            parts += _table("field of the body", _fields(document, operation))
            answers = operation["responses"].items()
            parts += _table("status", [(code, answer["description"]) for code, answer in answers])
    return "\n".join(parts)


def _fields(document: dict[str, Any], operation: dict[str, Any]) -> list[tuple[str, str]]:
    """Return name and description of each field that a JSON body may have."""
    content = operation.get("requestBody", {}).get("content", {})
    name = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
    schema = document["components"]["schemas"].get(name, {})
    return [(field, facts.get("description", "")) for field, facts in schema.get("properties", {}).items()]


def _table(heading: str, rows: Iterable[tuple[str, str]]) -> list[str]:
    lines = [f"| `{name}` | {' '.join(str(text).split())} |" for name, text in rows]
    return [f"| {heading} | |\n|---|---|", *lines, ""] if lines else []
