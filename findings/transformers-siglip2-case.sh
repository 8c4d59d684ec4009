#!/usr/bin/env bash
# transformers 5.24.0: the same folder of a SigLIP 2 model gives other tokens with AutoTokenizer than with Siglip2Tokenizer.
#
# Expected: a tokenizer that is loaded from a model's folder prepares texts as in its training. SigLIP 2 was trained on
# texts in lower case (Tschannen et al. 2025, section 2.1).
# Found: Siglip2Tokenizer adds the conversion to lower case after it has read tokenizer.json. A folder whose
# tokenizer_config.json names GemmaTokenizer, as in Google's SigLIP 2 repositories, is loaded by AutoTokenizer (and so by
# AutoProcessor and pipeline) without it: "A Dog" and "a dog" have different tokens, without a warning. An exported
# tokenizer.json does not convert either, so other runtimes differ in the same way (source: tokenization_siglip2.py).
# Workaround: load with Siglip2Tokenizer, or convert queries to lower case yourself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet transformers==5.24.0
cd "$work"
HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error venv/bin/python - <<'PY'
import json
import string
from pathlib import Path

from tokenizers import Tokenizer, normalizers
from tokenizers.models import BPE
from transformers import AutoTokenizer, Siglip2Tokenizer

folder = Path("model")
folder.mkdir()
special = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"}
pieces = [*special.values(), "<mask>", "▁", *string.ascii_letters]
tokenizer = Tokenizer(BPE(vocab={piece: row for row, piece in enumerate(pieces)}, merges=[], unk_token="<unk>"))
tokenizer.normalizer = normalizers.Replace(" ", "▁")
tokenizer.save(str(folder / "tokenizer.json"))
(folder / "config.json").write_text(json.dumps({"model_type": "siglip"}))
(folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "GemmaTokenizer", **special}))

same = {}
for loader in (AutoTokenizer, Siglip2Tokenizer):
    loaded = loader.from_pretrained(folder)
    upper, lower = (loaded(text, add_special_tokens=False)["input_ids"] for text in ("A Dog", "a dog"))
    same[loader.__name__] = upper == lower
    print(f"{loader.__name__} returns a {type(loaded).__name__}: 'A Dog' {upper}, 'a dog' {lower}")
assert same == {"AutoTokenizer": False, "Siglip2Tokenizer": True}, same
PY
echo "holds: AutoTokenizer of transformers 5.24.0 does not convert SigLIP 2's texts to lower case, Siglip2Tokenizer does"
