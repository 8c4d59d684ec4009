// Use the client that openapi-typescript and openapi-fetch make: node client.js ADDRESS TOKEN PHOTO_IN_BASE64
import createClient from "openapi-fetch";

import type { components, paths } from "./schema";

declare const process: { argv: string[] };
const [address, token, photo] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: address });
const headers = { Authorization: `Bearer ${token}` };

const named = (hits: components["schemas"]["PhotoHit"][]): string[] => hits.map((hit) => hit.path);

const text = await client.POST("/v1/search", { body: { text: "red", k: 2, folder: "red" } });
const byAddress = await client.GET("/v1/search", { params: { query: { q: "red", k: 2 } } });
const byPhoto = await client.POST("/v1/search", { body: { photo, k: 1 } });
const batch = await client.POST("/v1/search/batch", { body: { queries: [{ text: "red" }, { text: "blue", k: 3 }] } });
const embedded = await client.POST("/v1/embed", { body: { texts: ["red", "blue"] } });
const id: number = text.data!.hits[0].id;
const thumbnail = await client.GET("/v1/photos/{id}/thumbnail", {
  params: { path: { id }, query: { side: 32 } },
  parseAs: "blob",
});
const folders = (await client.GET("/v1/folders")).data!.folders;
const refused = await client.POST("/v1/search", { body: { text: "red + " } });
let index = (await client.POST("/v1/index", { headers })).data!;
while (index.state === "running") {
  index = (await client.GET("/v1/index", { headers })).data!;
}

console.log(
  JSON.stringify({
    text: named(text.data!.hits),
    by_address: named(byAddress.data!.hits),
    by_photo: named(byPhoto.data!.hits),
    batch: batch.data!.answers.map((answer) => named(answer.hits)),
    dimensions: embedded.data!.vectors.map((vector) => vector.length),
    folders: Object.fromEntries(folders.map((folder) => [folder.path, folder.photos])),
    thumbnail: (await new Response(thumbnail.data as unknown as Blob).arrayBuffer()).byteLength > 100,
    refused: [refused.response.status, refused.error!.error.code],
    indexed: [index.state, index.report!.photos],
  }),
);
