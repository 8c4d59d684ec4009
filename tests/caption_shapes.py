"""The shapes in which caption files are published: the same three captions of ``a.jpg`` and ``b.jpg`` in each."""

from __future__ import annotations

import json

SHAPES = {
    "Flickr30K's results.csv": (
        "image_name| comment_number| comment\na.jpg| 0| A dog , running\na.jpg| 1   Two dogs\nb.jpg| 0| 一只猫\n"
    ),
    "the same with commas": (
        'image_name,comment_number,comment\na.jpg,0,"A dog , running"\na.jpg,1,Two dogs\nb.jpg,0,一只猫\n'
    ),
    "unquoted commas": "image,caption\na.jpg,A dog , running\na.jpg,Two dogs\nb.jpg,一只猫\n",
    "Flickr30K's table on the Hugging Face Hub": (
        'raw,sentids,split,filename,img_id\n"[""A dog , running"", ""Two dogs""]","[0, 1]",train,a.jpg,0\n'
        '"[""一只猫""]",[2],train,b.jpg,1\n'
    ),
    "another order": 'caption,image,id\n"A dog , running",a.jpg,1\nTwo dogs,a.jpg,2\n一只猫,b.jpg,3\n',
    "an unnamed index": ',image,caption\n0,a.jpg,"A dog , running"\n1,a.jpg,Two dogs\n2,b.jpg,一只猫\n',
    "semicolons": "image;caption\na.jpg;A dog , running\na.jpg;Two dogs\nb.jpg;一只猫\n",
    "open_clip's tables": "filepath\ttitle\na.jpg\tA dog , running\na.jpg\tTwo dogs\nb.jpg\t一只猫\n",
    "Hugging Face's metadata.csv": 'file_name,text\na.jpg,"A dog , running"\na.jpg,Two dogs\nb.jpg,一只猫\n',
    "Hugging Face's metadata.jsonl": (
        '{"file_name": "a.jpg", "text": "A dog , running"}\n{"file_name": "a.jpg", "text": "Two dogs"}\n'
        '{"file_name": "b.jpg", "text": "一只猫"}\n'
    ),
    "Flickr8K-CN": "a.jpg#zhc#0 A dog , running\na.jpg#zhc#1 Two dogs\nb.jpg#zhc#0 一只猫\n",
    "COCO-CN": "a.jpg#zhm#0\tA dog , running\na.jpg#zhm#1\tTwo dogs\nb.jpg#zhm#0\t一只猫\n",
    "AI Challenger": json.dumps(
        [
            {"url": "http://localhost/1", "image_id": "a.jpg", "caption": ["A dog , running", "Two dogs"]},
            {"url": "http://localhost/2", "image_id": "b.jpg", "caption": ["一只猫"]},
        ]
    ),
    "records under a key": json.dumps(
        {
            "info": {"year": 2016},
            "data": [
                {"filename": "a.jpg", "sentences": [{"raw": "A dog , running"}, {"raw": "Two dogs"}]},
                {"filename": "b.jpg", "sentences": [{"raw": "一只猫"}]},
            ],
        }
    ),
    "captions by name": json.dumps({"a.jpg": ["A dog , running", "Two dogs"], "b.jpg": "一只猫"}),
}
