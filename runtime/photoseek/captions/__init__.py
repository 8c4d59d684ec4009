"""Readers of caption files and split files.

The format of a caption file is detected from its content, not its name:

- lines ``NAME#I<TAB>caption`` (Flickr30K's ``results_20130124.token``, ``flickr30k.token``, COCO-CN), or with a space
  in place of the tab (Flickr8K-CN),
- the same with a third column ``keyword, keyword, ...`` (as written by ``photoseek-train keywords``),
- tables with a header, separated by commas, tabs, semicolons or bars (Flickr8k's ``captions.txt``, Flickr30K's
  ``results.csv``),
- Karpathy's ``dataset_*.json``, which contains splits,
- COCO's captions JSON,
- lists or lines of JSON records with an image and a caption, and
- folders with ``NAME.txt`` for each image, or with ``metadata.jsonl`` or ``metadata.csv``.

A split is a UTF-8 file with one image name a line, or the name of a split in the caption file. Names of images may lack
the extension of the file.
"""

from __future__ import annotations

from photoseek.captions.caption_file import Caption, CaptionFile, captions_of, read_split
from photoseek.captions.columns import IMAGES, CaptionColumns
from photoseek.captions.image_names import match_files
from photoseek.captions.json_records import caption_texts
from photoseek.captions.reader import read_caption_file, read_caption_files, read_captions

__all__ = [
    "IMAGES",
    "Caption",
    "CaptionColumns",
    "CaptionFile",
    "caption_texts",
    "captions_of",
    "match_files",
    "read_caption_file",
    "read_caption_files",
    "read_captions",
    "read_split",
]
