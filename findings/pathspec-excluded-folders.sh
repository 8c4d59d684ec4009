#!/usr/bin/env bash
# pathspec 1.1.1: GitIgnoreSpec keeps files of an excluded folder that git leaves out, and sets differ from git's.
#
# Expected: as gitignore(5) says, "it is not possible to re-include a file if a parent directory of that file is
# excluded"; [[:digit:]] matches a digit; a set that matches nothing, such as [z-a], is no error.
# Found: with "private/" and then "!*.jpg", match_file("private/a.jpg") is False, though git ignores the file: a program
# that asks about files alone reads what the first line excludes. [[:digit:]] compiles to a set of the letters of its
# name, with a FutureWarning. [z-a] raises re.error, which is not a GitIgnorePatternError.
# Workaround: decide about folders first, from the root down, and never ask about what is below an excluded one; refuse
# classes; catch re.error.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pathspec==1.1.1
cd "$work"
git init --quiet tree
mkdir tree/private
touch tree/private/a.jpg tree/1.jpg tree/d.jpg
printf 'private/\n!*.jpg\n' >tree/.gitignore
git -C tree check-ignore --quiet private/a.jpg && echo "git ignores private/a.jpg"
printf '[[:digit:]].jpg\n[z-a]\n' >tree/.gitignore
git -C tree check-ignore --quiet 1.jpg && echo "git: [[:digit:]] matches 1"
venv/bin/python - <<'PY'
import re
import warnings

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore import GitIgnorePatternError

spec = GitIgnoreSpec.from_lines(["private/", "!*.jpg"])
print(f"pathspec: private/ {spec.match_file('private/')}, private/a.jpg {spec.match_file('private/a.jpg')}")
assert spec.match_file("private/")
assert not spec.match_file("private/a.jpg")

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    digits = GitIgnoreSpec.from_lines(["[[:digit:]].jpg"])
print(f"pathspec: [[:digit:]].jpg matches 1.jpg: {digits.match_file('1.jpg')}; {caught[0].category.__name__}")
assert not digits.match_file("1.jpg")
assert caught[0].category is FutureWarning

try:
    GitIgnoreSpec.from_lines(["[z-a]"])
except re.error as error:
    print(f"pathspec: [z-a] raises {type(error).__module__}.{type(error).__name__}: {error}")
    assert not isinstance(error, GitIgnorePatternError)
else:
    raise AssertionError("expected an error")
PY
echo "holds: pathspec 1.1.1 keeps files of excluded folders, does not know classes, and raises re.error for an empty range"
