"""The model card: the README of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from photoseek.bundle.manifest import Manifest
from photoseek.photos.preprocessing import Preprocessing

_CARD = """\
---
license: {license}
language: [{languages}]
pipeline_tag: zero-shot-image-classification
library_name: photoseek
---

# {name}

{towers} and an image tower in one space of {dim} dimensions: search photos by captions or by photos.

```console
photoseek index PHOTOS --bundle {name}
photoseek search "two dogs on a beach" --gallery PHOTOS
```

| | |
|---|---|
{texts}
| image tower | {image} |
| input | {input} |
| precisions | {precisions} |

## Retrieval

Exact search over the full set, with the captions of an image as in VSE++; recalls in percent.

{metrics}

## Training

{training}
{origins}
## Limits

The towers cover the topics of their training captions, in {languages}. Scores are cosines: they rank the photos of one
query and are not comparable across queries.
{confidence}
"""

_CAPTIONED = "--images DIR --captions FILE"


def model_card(
    manifest: Manifest,
    text: str,
    image: str,
    preprocessing: Preprocessing,
    texts: Mapping[str, str] | None = None,
    origins: str = "",
) -> str:
    """Return the card of a bundle.

    Args:
        manifest: The bundle's manifest.
        text: Description of the text tower.
        image: Description of the image tower.
        preprocessing: Preprocessing of the image tower.
        texts: Descriptions of additional text towers, by language.
        origins: Pretrained weights and data with their licenses, in Markdown.
    """
    extra = texts or {}
    return _CARD.format(
        name=manifest.name,
        license=manifest.license.lower(),
        languages=", ".join([*manifest.languages, *extra]),
        towers=f"{1 + len(extra)} text towers" if extra else "A text tower",
        dim=manifest.dim,
        precisions=", ".join(manifest.precisions),
        texts="\n".join(
            [f"| text tower | {text} |", *(f"| text tower, {code} | {it} |" for code, it in extra.items())]
        ),
        image=image,
        input=_describe_input(preprocessing),
        metrics=_metrics_table(manifest),
        confidence=_confidence(manifest),
        training=_training(manifest),
        origins=f"\n## Origins\n\n{origins}\n" if origins else "",
    )


def _describe_input(preprocessing: Preprocessing) -> str:
    size = f"{preprocessing.height} x {preprocessing.width} pixels"
    if preprocessing.shortest_edge is None:
        return f"{size}, resized to a square"
    return f"{size}, center crop after resizing to {preprocessing.shortest_edge}"


def _metrics_table(manifest: Manifest) -> str:
    evaluation: dict[str, Mapping[str, Any]] = dict(manifest.precisions)
    for language, tower in manifest.text_towers.items():
        evaluation |= {f"{precision}, {language}": facts for precision, facts in tower.precisions.items()}
    rows = [
        _metrics_row(label, direction, facts["metrics"])
        for label, facts in evaluation.items()
        if facts.get("metrics")
        for direction in ("text_to_image", "image_to_text")
    ]
    if not rows:
        return (
            f"Not measured: the model was exported without captioned images. `photoseek evaluate --bundle "
            f"{manifest.name} {_CAPTIONED}` measures it; an export with `{_CAPTIONED}` records it here."
        )
    head = "| precision | direction | images | captions | R@1 | R@5 | R@10 | median rank |"
    return "\n".join([head, "|---" * 8 + "|", *rows])


def _confidence(manifest: Manifest) -> str:
    facts_of = [manifest.precisions, *(tower.precisions for tower in manifest.text_towers.values())]
    if all(facts.get("confidence") for towers in facts_of for facts in towers.values()):
        return "Each hit has a confidence, which is comparable."
    return (
        "Exported without captioned images, the model gives hits no confidence, which would be comparable; "
        f"`photoseek calibrate --bundle {manifest.name} {_CAPTIONED}` adds it."
    )


def _metrics_row(precision: str, direction: str, metrics: Mapping[str, Any]) -> str:
    recall = metrics[direction]
    figures = [f"{recall[key]:.1f}" for key in ("r1", "r5", "r10")]
    cells = [precision, direction.replace("_", " "), str(metrics["images"]), str(metrics["captions"]), *figures]
    return "| " + " | ".join([*cells, f"{recall['medr']:g}"]) + " |"


def _training(manifest: Manifest) -> str:
    extra = [f"Text tower, {code}:\n\n{_settings(tower.training)}" for code, tower in manifest.text_towers.items()]
    return "\n\n".join([_settings(manifest.training), *extra])


def _settings(training: Mapping[str, Any]) -> str:
    lines = [
        f"- {section}: " + ", ".join(f"{key} {value}" for key, value in values.items())
        for section, values in training.items()
        if isinstance(values, dict)
    ]
    return "\n".join(lines) or "Not recorded."
