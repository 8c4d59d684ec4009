"""Caption and split files: every reader of them is here.

A caption file is recognised by its content, never by its name alone:

- lines ``NAME#I<TAB>caption`` (Flickr30K's ``results_20130124.token``, ``flickr30k.token``),
- the same with a third column ``keyword, keyword, ...`` (what ``photoseek-train keywords`` writes),
- CSV with the header ``image,caption`` (Flickr8k's ``captions.txt``),
- Karpathy's ``dataset_*.json``, which carries splits, and
- COCO's captions JSON.

A split is UTF-8 text with one image name a line, or the name of a split that the caption file carries.
"""

from __future__ import annotations

from photoseek.captions.caption_file import Caption, CaptionFile, captions_of, read_split
from photoseek.captions.reader import read_caption_file, read_caption_files, read_captions

__all__ = [
    "Caption",
    "CaptionFile",
    "captions_of",
    "read_caption_file",
    "read_caption_files",
    "read_captions",
    "read_split",
]
