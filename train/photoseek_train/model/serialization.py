"""Model and tokenizer files, each replaced atomically."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import nn
from transformers import PreTrainedTokenizerFast

from photoseek.system.atomic_write import write_bytes_atomic, write_json_atomic

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write ``TOKENIZER_FILES``, including ``special_tokens_map.json``, which transformers 5 omits."""
    with tempfile.TemporaryDirectory() as draft:
        tokenizer.save_pretrained(draft)
        written = {path.name: path.read_bytes() for path in Path(draft).iterdir() if path.name in TOKENIZER_FILES}
    for name, content in written.items():
        write_bytes_atomic(folder / name, content)
    if "special_tokens_map.json" not in written:
        write_json_atomic(folder / "special_tokens_map.json", special_tokens(tokenizer))


def special_tokens(tokenizer: PreTrainedTokenizerFast) -> dict[str, str]:
    """Return ``cls_token``, ``sep_token``, ... as plain strings."""
    return {name: str(token) for name, token in tokenizer.special_tokens_map.items() if not isinstance(token, list)}


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a module's parameters and buffers as safetensors."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_bytes_atomic(path, safetensors.torch.save(tensors, metadata={"format": "pt"}))


def to_jsonl(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return JSON lines, one object per line."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()
