#!/usr/bin/env bash
# pandas 3.1.1: a bar-separated caption that begins with a quotation mark loses it, or swallows the rows after it.
#
# Expected: in a table that another program wrote with bars and without quotation, such as Flickr30K's results.csv, a
# quotation mark is a character of the caption, or it is an error.
# Found: read_csv(sep="|") treats it as the start of a quoted field, because quotechar is '"' for every separator. A
# caption like '" Stop " says a sign .' loses both marks. If there is only one mark, all rows up to the next caption that
# has one become a part of that caption; nothing is reported. With quoting=csv.QUOTE_NONE, every row is read as it is.
# Workaround: pass quoting=csv.QUOTE_NONE.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pandas==3.1.1
cd "$work"
venv/bin/python - <<'PY'
import csv
from io import StringIO

import pandas as pd

CAPTIONS = ['" Stop " says a sign .', "A dog runs .", '" Go', "A cat sits .", "It snows .", 'He says " no "', "A bird ."]
table = "image|comment\n" + "".join(f"{number}.jpg|{caption}\n" for number, caption in enumerate(CAPTIONS))

default = pd.read_csv(StringIO(table), sep="|")
plain = pd.read_csv(StringIO(table), sep="|", quoting=csv.QUOTE_NONE)
print(f"{len(CAPTIONS)} captions: {len(default)} rows by default, {len(plain)} with QUOTE_NONE")
print(f"the first by default: {default['comment'][0]!r}; the third: {default['comment'][2]!r}")
assert plain["comment"].tolist() == CAPTIONS
assert default["comment"][0] == " Stop  says a sign ."
assert len(default) == 4, len(default)
assert "A cat sits ." in default["comment"][2] and "It snows ." in default["comment"][2]
PY
echo "holds: pandas 3.1.1 changes bar-separated captions that begin with a quotation mark, and loses rows, without an error"
