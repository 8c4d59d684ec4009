"""Readers of caption files and split files.

The format of a caption file is detected from its content, not its name:

- lines ``NAME#I<TAB>caption`` (Flickr30K's ``results_20130124.token``, ``flickr30k.token``),
- the same with a third column ``keyword, keyword, ...`` (as written by ``photoseek-train keywords``),
- CSV with the header ``image,caption`` (Flickr8k's ``captions.txt``),
- Karpathy's ``dataset_*.json``, which contains splits, and
- COCO's captions JSON.

A split is a UTF-8 file with one image name a line, or the name of a split in the caption file.
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
