"""Time to encode a text query with BERT-base, one query at a time.

    python benchmarks/text_query.py

Every contestant runs in a separate process and does the full work: tokenizer, tower, pooling, one vector. Takes a few
minutes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import models
from contest import CACHE, Contest, milliseconds

_WARM_UP = 20


def _photoseek(precision: str) -> dict[str, Any]:
    from photoseek import Bundle
    from photoseek.encoders.encoders import TextEncoder

    encoder = TextEncoder(Bundle.load(models.bundle()), precision)
    return _time(lambda text: encoder.encode([text]))


def _pytorch() -> dict[str, Any]:
    import torch

    from photoseek_train.model.checkpoint import load_checkpoint

    model, config, tokenizer = load_checkpoint(models.checkpoint(), attention="eager")

    def encode(text: str) -> Any:
        tokens = tokenizer(text, truncation=True, max_length=config.model.max_tokens, return_tensors="pt")
        with torch.inference_mode():
            return model.encode_text(tokens["input_ids"], tokens["attention_mask"])

    return _time(encode)


def _sentence_transformers(backend: str, int8: bool = False) -> dict[str, Any]:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers import models as modules

    folder = CACHE / "sentence-transformers"
    if not folder.exists():
        word = modules.Transformer(str(models.bert()))
        made = SentenceTransformer(modules=[word, modules.Pooling(word.get_word_embedding_dimension())])
        made.save(str(folder))
    options: dict[str, Any] = {}
    if backend == "onnx":
        file = "onnx/model_qint8_avx512_vnni.onnx" if int8 else "onnx/model.onnx"
        if not (folder / file).exists():
            _export(folder, int8)
        options["model_kwargs"] = {"provider": "CPUExecutionProvider", "file_name": file}
    model = SentenceTransformer(str(folder), device="cpu", backend=backend, **options)
    return _time(lambda text: model.encode(text, normalize_embeddings=True, show_progress_bar=False))


def _export(folder: Any, int8: bool) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.backend import export_dynamic_quantized_onnx_model

    if not (folder / "onnx/model.onnx").exists():
        model = SentenceTransformer(str(folder), device="cpu", backend="onnx", model_kwargs={"export": True})
        model.save_pretrained(str(folder))
    if int8:
        model = SentenceTransformer(
            str(folder), device="cpu", backend="onnx", model_kwargs={"file_name": "onnx/model.onnx"}
        )
        export_dynamic_quantized_onnx_model(model, "avx512_vnni", str(folder))


def _time(encode: Callable[[str], Any]) -> dict[str, Any]:
    texts = models.captions()
    for text in texts[:_WARM_UP]:
        encode(text)
    seconds = []
    for text in texts[:60]:
        started = time.perf_counter()
        encode(text)
        seconds.append(time.perf_counter() - started)
    return milliseconds(seconds)


CONTEST = Contest(
    "text_query",
    "Milliseconds from a caption to its vector, BERT-base, one at a time",
    {
        "photoseek int8": lambda: _photoseek("int8"),
        "photoseek fp32": lambda: _photoseek("fp32"),
        "PyTorch eager fp32": _pytorch,
        "sentence-transformers torch": lambda: _sentence_transformers("torch"),
        "sentence-transformers onnx": lambda: _sentence_transformers("onnx"),
        "sentence-transformers onnx int8": lambda: _sentence_transformers("onnx", int8=True),
    },
)

if __name__ == "__main__":
    models.bundle()
    CONTEST.main(sys.argv[1:], rounds=3)
