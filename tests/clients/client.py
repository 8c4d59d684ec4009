"""Use the client that openapi-python-client makes: python client.py ADDRESS TOKEN PHOTO."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

from generated import AuthenticatedClient, Client
from generated.api.indexing import index_status, start_indexing
from generated.api.photos import folders, photo_thumbnail
from generated.api.queries import embed, search, search_batch, search_by_address
from generated.models import EmbedRequest, SearchBatch, SearchForm, SearchJson
from generated.types import File

address, token, photo = sys.argv[1:]
client = Client(base_url=address)
permitted = AuthenticatedClient(base_url=address, token=token)


def named(answer: Any) -> list[str]:
    return [hit.path for hit in answer.hits]


text = search.sync(client=client, body=SearchJson(text="red", k=2, folder="red"))
by_address = search_by_address.sync(client=client, q="red", k=2)
upload = File(payload=io.BytesIO(Path(photo).read_bytes()), file_name="photo.png", mime_type="image/png")
by_photo = search.sync(client=client, body=SearchForm(photo=upload, k=1))
batch = search_batch.sync(
    client=client, body=SearchBatch(queries=[SearchJson(text="red"), SearchJson(text="blue", k=3)])
)
embedded = embed.sync(client=client, body=EmbedRequest(texts=["red", "blue"]))
thumbnail = photo_thumbnail.sync_detailed(id=text.hits[0].id, client=client, side=32)
refused = search.sync_detailed(client=client, body=SearchJson(text="red + "))
index = start_indexing.sync(client=permitted)
while index.state == "running":
    index = index_status.sync(client=permitted)

print(
    json.dumps(
        {
            "text": named(text),
            "by_address": named(by_address),
            "by_photo": named(by_photo),
            "batch": [named(answer) for answer in batch.answers],
            "dimensions": [len(vector) for vector in embedded.vectors],
            "folders": {folder.path: folder.photos for folder in folders.sync(client=client).folders},
            "thumbnail": len(thumbnail.content) > 100,
            "refused": [refused.status_code, refused.parsed.error.code],
            "indexed": [index.state, index.report.photos],
        }
    )
)
