"""Fusion of attention, layer norm and GELU in a text tower's graph, with onnxruntime's custom operators.

onnxruntime's optimizer detects layer norms and GELUs in an exported graph, but not BERT's attention as current versions
of transformers and torch export it. Attention is therefore exported as a single operator.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

from photoseek_export.errors import ExportError
from photoseek_export.logs import only_errors

_ATTENTION = "photoseek_fused"


def write_fused_graph(bert: Any, write: Callable[[Path], None], path: Path) -> None:
    """Export a text tower for onnxruntime only; ``write`` exports its graph, which contains ``bert``."""
    with tempfile.TemporaryDirectory(dir=path.parent) as work:
        plain = Path(work, "plain.onnx")
        with _fused_attention(bert):
            write(plain)
        fuse_layers(plain, bert.config, path)


def fuse_layers(source: Path, config: Any, target: Path) -> None:
    """Fuse the layers of a BERT's graph in which each attention is one operator.

    Args:
        source: The graph.
        config: Configuration of the BERT.
        target: Output file.

    Raises:
        ExportError: The attention of a layer was not fused.
    """
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    options = FusionOptions("bert")
    options.enable_bias_gelu = False  # the int8 product adds the bias, and a separate GELU is faster
    with only_errors("onnxruntime.transformers"):
        optimized = optimize_model(
            str(source),
            model_type="bert",
            num_heads=config.num_attention_heads,
            hidden_size=config.hidden_size,
            optimization_options=options,
            opt_level=0,  # fusions only: the session's optimizations at load time depend on the CPU
        )
    fused = optimized.get_fused_operator_statistics().get("MultiHeadAttention", 0)
    if fused != config.num_hidden_layers:
        raise ExportError(
            f"expected fused attention in {config.num_hidden_layers} layers, found it in {fused}; "
            "this version of transformers is not supported: upgrade it, or export without --int8"
        )
    optimized.save_model_to_file(str(target))


@contextmanager
def _fused_attention(bert: Any) -> Iterator[None]:
    """Make a BERT use the fused operator, which only an exported graph can run."""
    AttentionInterface.register(_ATTENTION, _attend)
    AttentionMaskInterface.register(_ATTENTION, eager_mask)
    before = bert.config._attn_implementation
    bert.set_attn_implementation(_ATTENTION)
    try:
        yield
    finally:
        bert.set_attn_implementation(before)


def _attend(
    module: torch.nn.Module,  # noqa: ARG001
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Compute attention over (batch, heads, sequence, width) as an onnxruntime operator with an additive mask."""
    batch, heads, length, width = query.shape

    def flat(part: Tensor) -> Tensor:
        return part.transpose(1, 2).reshape(batch, length, heads * width)

    inputs = [flat(query), flat(key), flat(value), None, None, *([] if attention_mask is None else [attention_mask])]
    found = torch.onnx.ops.symbolic(
        "com.microsoft::MultiHeadAttention",
        inputs,
        attrs={"num_heads": heads, "scale": float(scaling or width**-0.5)},
        dtype=query.dtype,
        shape=(batch, length, heads * width),
        version=1,
    )
    return found.reshape(batch, length, heads, width), None
