// Owns the pictures: fetched one by one for a seek, in chunks ahead of the playhead; decoded pictures in a bounded cache.

import { Lru } from "./lru.js";

/** Decoded pictures kept (four bytes a pixel): about 50 frames of 640x480. */
const DECODED_BYTES = 64 << 20;
/** Encoded chunks kept: the three around the playhead of a lossless session of 1280x1024 take 36 MB. */
const ENCODED_BYTES = 64 << 20;
/** Frames in a chunk; 30 made playback without a drop where single requests lost 6 % (docs/performance.md). */
export const CHUNK_FRAMES = 30;
/** Frames decoded ahead of the playhead. */
const DECODE_AHEAD = 8;
/** Chunks fetched ahead of the playhead, beside its own. */
const CHUNKS_AHEAD = 2;

/** @typedef {{view: Uint8Array, offsets: Uint32Array, first: number}} Chunk */

export class FrameStore {
  /** @type {Lru<ImageBitmap>} */
  #decoded;
  /** @type {Lru<Chunk>} */
  #chunks = new Lru(ENCODED_BYTES);
  /** @type {Map<number, Promise<ImageBitmap>>} */
  #decoding = new Map();
  /** @type {Map<number, Promise<void>>} */
  #fetching = new Map();
  /** Chunks that could not be had: their frames are asked for one by one. @type {Set<number>} */
  #lostChunks = new Set();
  /** Frames that could not be read or decoded. @type {Set<number>} */
  #unreadable = new Set();

  /**
   * @param {import("./api.js").Api} api
   * @param {string} path  of the session's API: /api/sessions/{id}
   * @param {string} mime  of the pictures
   * @param {number} count  frames of the session
   * @param {() => number} shown  the frame on the screen: its picture stays
   */
  constructor(api, path, mime, count, shown) {
    this.api = api;
    this.path = path;
    this.mime = mime;
    this.count = count;
    this.#decoded = new Lru(
      DECODED_BYTES,
      (bitmap) => bitmap.close(),
      (key) => key === shown(),
    );
  }

  /** The decoded picture if it is there. @param {number} index @returns {ImageBitmap | undefined} */
  ready(index) {
    return this.#decoded.get(index);
  }

  /** Whether a frame was tried and could not be read. @param {number} index */
  failed(index) {
    return this.#unreadable.has(index);
  }

  /** Bytes held in decoded and encoded form. */
  get bytes() {
    return { decoded: this.#decoded.bytes, encoded: this.#chunks.bytes };
  }

  /** Sets how much is kept, from the next picture on. @param {{decoded_bytes: number, encoded_bytes: number}} limits */
  limits({ decoded_bytes, encoded_bytes }) {
    this.#decoded.limit_bytes = decoded_bytes;
    this.#chunks.limit_bytes = encoded_bytes;
  }

  /** The decoded picture. Rejects with ApiError (server) or a DOMException (undecodable). @param {number} index @returns {Promise<ImageBitmap>} */
  load(index) {
    const ready = this.#decoded.get(index);
    if (ready) return Promise.resolve(ready);
    const running = this.#decoding.get(index);
    if (running) return running;
    const promise = this.#decode(index).finally(() => this.#decoding.delete(index));
    promise.then(
      () => this.#unreadable.delete(index),
      () => this.#unreadable.add(index),
    );
    this.#decoding.set(index, promise);
    return promise;
  }

  /** Fetches and decodes what playback needs next, each `stride`-th frame. @param {number} index @param {number} stride */
  ahead(index, stride) {
    const chunk = Math.floor(index / CHUNK_FRAMES);
    for (let one = chunk; one <= chunk + CHUNKS_AHEAD * stride; one += 1) this.#fetchChunk(one);
    for (let step = 0; step <= DECODE_AHEAD; step += 1) {
      const next = index + step * stride;
      if (next >= this.count) break;
      const number = Math.floor(next / CHUNK_FRAMES);
      const there = this.#chunks.has(number) || this.#lostChunks.has(number);
      if (there && !this.failed(next)) this.load(next).catch(() => {});
    }
  }

  /** @param {number} index */
  async #decode(index) {
    const chunk = this.#chunks.get(Math.floor(index / CHUNK_FRAMES));
    const bytes = chunk ? pictureIn(chunk, index) : await this.api.bytes(`${this.path}/frames/${index}`);
    const bitmap = await createImageBitmap(new Blob([bytes], { type: this.mime }), { colorSpaceConversion: "none" });
    this.#decoded.set(index, bitmap, bitmap.width * bitmap.height * 4);
    return bitmap;
  }

  /** @param {number} number */
  #fetchChunk(number) {
    const first = number * CHUNK_FRAMES;
    if (first >= this.count || this.#chunks.has(number) || this.#fetching.has(number) || this.#lostChunks.has(number)) return;
    const count = Math.min(CHUNK_FRAMES, this.count - first);
    const promise = this.api
      .bytes(`${this.path}/frames?from=${first}&count=${count}`)
      .then((buffer) => this.#chunks.set(number, split(buffer, first, count), buffer.byteLength))
      .catch(() => void this.#lostChunks.add(number))
      .finally(() => this.#fetching.delete(number));
    this.#fetching.set(number, promise);
  }
}

/** The places of the pictures of a chunk: a little-endian length before each. @param {ArrayBuffer} buffer @param {number} first @param {number} count @returns {Chunk} */
function split(buffer, first, count) {
  const data = new DataView(buffer);
  const offsets = new Uint32Array(count + 1);
  let at = 0;
  for (let one = 0; one < count; one += 1) {
    offsets[one] = at;
    at += 4 + data.getUint32(at, true);
  }
  if (at !== buffer.byteLength) throw new Error(`a chunk of ${buffer.byteLength} bytes holds ${at} bytes of frames`);
  offsets[count] = at;
  return { view: new Uint8Array(buffer), offsets, first };
}

/** @param {Chunk} chunk @param {number} index */
function pictureIn(chunk, index) {
  const place = index - chunk.first;
  return chunk.view.slice(chunk.offsets[place] + 4, chunk.offsets[place + 1]);
}
