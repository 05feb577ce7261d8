// Owns what the device (or the re-run model) said about each frame: kept per frame, so that nothing shows on another one.
//
// A seek asks for its frame alone (under 1 ms of work for the server), playback for blocks ahead (about 20 ms for 30 frames).

import { Emitter } from "./emitter.js";
import { Lru } from "./lru.js";

const BLOCK_FRAMES = 30;
/** Playback asks for the next block when it is this many frames ahead. */
const AHEAD_FRAMES = 15;
const KEPT_FRAMES = 900;
/** Single frames asked for at once; of those in between the latest is asked for next. */
const SINGLES_AT_ONCE = 2;

/** @typedef {{frame: number, detections: any, guidance: any}} Overlay */

export class OverlayStore extends Emitter {
  /** "recorded" or "rerun" */
  source = "recorded";
  /** @type {Lru<Overlay>} */
  #rows = new Lru(KEPT_FRAMES);
  /** Frames on their way. @type {Map<number, Promise<void>>} */
  #coming = new Map();
  #singles = 0;
  #latest = -1;
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
    return this.#rows.get(frame);
  }

  /** What was said about a frame. Rejects with ApiError. @param {number} frame @returns {Promise<Overlay>} */
  async get(frame) {
    if (!this.#rows.has(frame)) await (this.#coming.get(frame) ?? this.#fetch(frame, 1));
    return this.peek(frame) ?? { frame, detections: null, guidance: null };
  }

  /** Asks for one frame; "arrived" is told when it is there. @param {number} frame */
  want(frame) {
    this.#latest = frame;
    if (frame < 0 || this.#rows.has(frame) || this.#coming.has(frame) || this.#singles >= SINGLES_AT_ONCE) return;
    this.#singles += 1;
    const done = () => {
      this.#singles -= 1;
      if (this.#latest !== frame) this.want(this.#latest);
    };
    this.#fetch(frame, 1).then(done, done);
  }

  /** Asks for what playback needs soon. @param {number} frame @param {number} stride frames from one picture to the next */
  ahead(frame, stride) {
    for (let next = Math.max(0, frame); next <= frame + AHEAD_FRAMES * stride && next < this.count; next += 1) {
      if (this.#rows.has(next) || this.#coming.has(next)) continue;
      this.#fetch(next, BLOCK_FRAMES * stride).catch(() => {});
      return;
    }
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
    this.#rows.clear();
    this.#coming.clear();
    this.want(this.shown());
  }

  /** @param {number} first @param {number} most @returns {Promise<void>} */
  #fetch(first, most) {
    const count = Math.min(most, this.count - first);
    const frames = Array.from({ length: count }, (_, at) => first + at);
    const source = this.source === "rerun" ? "rerun/overlay" : "overlay";
    const generation = this.#generation;
    const settle = () => {
      if (generation === this.#generation) frames.forEach((frame) => this.#coming.delete(frame));
    };
    const promise = this.api.json(`${this.path}/${source}?from=${first}&count=${count}`).then((rows) => {
      if (generation !== this.#generation) return;
      settle();
      for (const row of rows) this.#rows.set(row.frame, row, 1);
      this.emit("arrived", first);
    });
    promise.catch(settle);
    frames.forEach((frame) => this.#coming.set(frame, promise));
    return promise;
  }
}
