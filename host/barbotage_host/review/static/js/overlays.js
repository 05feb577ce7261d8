// Owns what the device (or the re-run model) said about each frame: fetched in blocks, kept in a bounded cache, never mixed up.

import { Emitter } from "./emitter.js";
import { Lru } from "./lru.js";

const BLOCK_FRAMES = 30;
const BLOCKS_KEPT = 60;
/** So near the end of a block the next one is fetched. */
const NEAR_END = 10;

/** @typedef {{frame: number, detections: any, guidance: any}} Overlay */

export class OverlayStore extends Emitter {
  /** "recorded" or "rerun" */
  source = "recorded";
  /** @type {Lru<Map<number, Overlay>>} */
  #blocks = new Lru(BLOCKS_KEPT);
  /** @type {Map<number, Promise<void>>} */
  #fetching = new Map();
  #generation = 0;

  /** @param {import("./api.js").Api} api @param {string} path @param {number} count @param {() => number} shown  the frame on the screen */
  constructor(api, path, count, shown) {
    super();
    this.api = api;
    this.path = path;
    this.count = count;
    this.shown = shown;
  }

  /** What was said about the frame on the screen; undefined while it is not known yet. */
  get now() {
    return this.peek(this.shown());
  }

  /** What was said about a frame, if it is there. @param {number} frame @returns {Overlay | undefined} */
  peek(frame) {
    return this.#blocks.get(Math.floor(frame / BLOCK_FRAMES))?.get(frame);
  }

  /** What was said about a frame. @param {number} frame @returns {Promise<Overlay>} */
  async get(frame) {
    await this.#block(Math.floor(frame / BLOCK_FRAMES));
    return this.peek(frame) ?? { frame, detections: null, guidance: null };
  }

  /** Fetches what is missing around a frame; "arrived" is told when it is there. @param {number} frame */
  want(frame) {
    const block = Math.floor(frame / BLOCK_FRAMES);
    this.#block(block).catch(() => {});
    if (frame % BLOCK_FRAMES >= BLOCK_FRAMES - NEAR_END) this.#block(block + 1).catch(() => {});
  }

  /** Shows what was "recorded" or what the "rerun" gave; tells "source". @param {string} source */
  setSource(source) {
    if (source === this.source) return;
    this.source = source;
    this.forget();
    this.emit("source", source);
  }

  /** Drops all that is known (after a new re-run). */
  forget() {
    this.#generation += 1;
    this.#blocks.clear();
    this.#fetching.clear();
    this.want(this.shown());
  }

  /** @param {number} block @returns {Promise<void>} */
  #block(block) {
    const first = block * BLOCK_FRAMES;
    if (block < 0 || first >= this.count || this.#blocks.has(block)) return Promise.resolve();
    const running = this.#fetching.get(block);
    if (running) return running;
    const generation = this.#generation;
    const promise = this.#fetch(first).then((rows) => {
      if (generation !== this.#generation) return;
      this.#fetching.delete(block);
      this.#blocks.set(block, new Map(rows.map((row) => [row.frame, row])), 1);
      this.emit("arrived", block);
    });
    promise.catch(() => this.#fetching.delete(block));
    this.#fetching.set(block, promise);
    return promise;
  }

  /** @param {number} first @returns {Promise<Overlay[]>} */
  #fetch(first) {
    const count = Math.min(BLOCK_FRAMES, this.count - first);
    const source = this.source === "rerun" ? "rerun/overlay" : "overlay";
    return this.api.json(`${this.path}/${source}?from=${first}&count=${count}`);
  }
}
