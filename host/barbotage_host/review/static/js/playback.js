// Owns the playhead: which frame is asked for, which is on the screen, and the play loop between them.

import { counters, countDraw } from "./counters.js";
import { Emitter } from "./emitter.js";

export const RATES = [0.25, 0.5, 1, 2, 4];
/** Pictures a second that a screen shows; faster playback passes over frames by design, and counts none as dropped. */
const SCREEN_HZ = 60;
/** Seeks in flight at once: a drag stays fluent, an old answer never replaces a newer one. */
const SEEKS_AT_ONCE = 2;
/** A reviewer who stays this long on a frame may play next: what playback needs first is then there already. */
const REST_MS = 150;

export class Player extends Emitter {
  /** The frame asked for; `frame` is the one on the screen. */
  target = 0;
  playing = false;
  rate = 1;
  /** Inclusive range in frames; `on` says whether playback stays in it. */
  loop = { from: 0, to: 0, on: false };
  #running = 0;
  #order = 0;
  #drawnOrder = 0;
  #started = -1;
  #asked_ms = 0;
  #anchor = { ms: 0, s: 0 };
  #raf = 0;
  #rest = 0;

  /**
   * @param {{frames: import("./frames.js").FrameStore, view: import("./view.js").View, overlays: import("./overlays.js").OverlayStore}} parts
   * @param {{count: number, rate_hz: number, stretchAt: (frame: number) => number}} session
   */
  constructor(parts, session) {
    super();
    this.frames = parts.frames;
    this.view = parts.view;
    this.overlays = parts.overlays;
    this.count = session.count;
    this.rate_hz = session.rate_hz || 30;
    this.stretchAt = session.stretchAt;
    this.loop.to = Math.max(0, this.count - 1);
    /** Seconds since the start, per frame; evenly spaced until the axis has come. @type {Float64Array} */
    this.times_s = Float64Array.from({ length: this.count }, (_, index) => index / this.rate_hz);
  }

  /** The frame on the screen; -1 before the first. */
  get frame() {
    return this.view.frame;
  }

  /** Seconds since the start of a frame. @param {number} frame */
  timeOf(frame) {
    return this.times_s[Math.max(0, Math.min(this.count - 1, frame))] ?? 0;
  }

  /** The frame seen at a time. @param {number} t_s */
  frameAt(t_s) {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.times_s[middle] <= t_s) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Asks for a frame; the latest wins. "target" is told at once, "frame" when it is seen. @param {number} frame */
  seek(frame) {
    if (this.count === 0) return;
    this.target = Math.max(0, Math.min(this.count - 1, Math.round(frame)));
    this.#asked_ms = performance.now();
    counters.asked += 1;
    this.emit("target", this.target);
    if (this.playing) this.#anchorAt(this.target);
    this.#pump();
  }

  /** @param {number} frames */
  step(frames) {
    this.pause();
    this.seek(this.target + frames);
  }

  play() {
    if (this.playing || this.count === 0) return;
    const { from, to } = this.#bounds();
    if (this.target < from || this.target >= to) this.seek(from);
    this.playing = true;
    this.#anchorAt(this.target);
    this.#raf = requestAnimationFrame((now) => this.#tick(now));
    this.emit("state", this);
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    cancelAnimationFrame(this.#raf);
    this.seek(this.frame >= 0 ? this.frame : this.target);
    this.emit("state", this);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** @param {number} rate one of RATES */
  setRate(rate) {
    this.rate = rate;
    if (this.playing) this.#anchorAt(this.target);
    this.emit("state", this);
  }

  /** The next faster (+1) or slower (-1) rate. @param {number} direction */
  changeRate(direction) {
    const place = RATES.indexOf(this.rate) + direction;
    if (place >= 0 && place < RATES.length) this.setRate(RATES[place]);
  }

  /** @param {Partial<{from: number, to: number, on: boolean}>} change a start after the end moves the end, and the other way round */
  setLoop(change) {
    const loop = { ...this.loop, ...change };
    if (loop.from > loop.to) {
      if (change.from !== undefined) loop.to = Math.max(0, this.count - 1);
      else loop.from = 0;
    }
    this.loop = loop;
    this.emit("loop", loop);
    this.emit("state", this);
  }

  #bounds() {
    return this.loop.on ? this.loop : { from: 0, to: this.count - 1 };
  }

  /** Frames from one drawn picture to the next. */
  get #stride() {
    return Math.max(1, Math.round((this.rate * this.rate_hz) / SCREEN_HZ));
  }

  /** @param {number} frame */
  #anchorAt(frame) {
    this.#anchor = { ms: performance.now(), s: this.timeOf(frame) };
  }

  /** One repaint of the play loop: draws the frame that is due, or waits for it. @param {number} now */
  #tick(now) {
    if (!this.playing) return;
    this.#raf = requestAnimationFrame((next) => this.#tick(next));
    const { from, to } = this.#bounds();
    const due_s = this.#anchor.s + (Math.max(0, now - this.#anchor.ms) / 1000) * this.rate;
    const stride = this.#stride;
    this.#prepare();
    if (due_s >= this.timeOf(to) + 1 / this.rate_hz) {
      this.#atEnd(from, to);
      return;
    }
    if (this.#running > 0 || this.frame !== this.target) return this.#anchorAt(this.target);
    const due = Math.min(to, this.frameAt(due_s));
    const steps = Math.floor((due - this.frame) / stride);
    if (steps > 0) this.#advance(steps, stride);
  }

  /** Draws the latest decoded frame that is due (nothing for one that cannot be read); none there: the clock waits. @param {number} steps @param {number} stride */
  #advance(steps, stride) {
    for (let step = steps; step > 0; step -= 1) {
      const frame = this.frame + step * stride;
      const bitmap = this.frames.ready(frame);
      if (!bitmap && !this.frames.failed(frame)) continue;
      if (step < steps) this.#anchorAt(frame);
      counters.dropped += step - 1;
      this.target = frame;
      this.#started = frame;
      this.#drawnOrder = ++this.#order;
      if (bitmap) this.#draw(frame, bitmap, performance.now());
      else this.#fail(frame, null);
      this.emit("target", frame);
      return;
    }
    counters.stalls += 1;
    this.#anchorAt(this.frame + stride);
  }

  /** @param {number} from @param {number} to */
  #atEnd(from, to) {
    if (this.loop.on) {
      this.seek(from);
      return;
    }
    this.pause();
    if (this.frame !== to) this.seek(to);
  }

  /** Loads what was asked for last, at most SEEKS_AT_ONCE at a time. */
  async #pump() {
    if (this.#running >= SEEKS_AT_ONCE || this.#started === this.target) return;
    const frame = this.target;
    const asked_ms = this.#asked_ms;
    const order = ++this.#order;
    this.#started = frame;
    this.#running += 1;
    try {
      const bitmap = await this.frames.load(frame);
      this.#settle(order, () => this.#draw(frame, bitmap, asked_ms));
    } catch (error) {
      this.#settle(order, () => this.#fail(frame, error));
    } finally {
      this.#running -= 1;
      this.#pump();
    }
  }

  /** @param {number} order @param {() => void} draw */
  #settle(order, draw) {
    if (order < this.#drawnOrder) return;
    this.#drawnOrder = order;
    draw();
  }

  /** @param {number} frame @param {ImageBitmap} bitmap @param {number} asked_ms */
  #draw(frame, bitmap, asked_ms) {
    this.view.show(frame, bitmap, this.stretchAt(frame));
    countDraw(frame, asked_ms);
    this.overlays.want(frame);
    this.emit("frame", frame);
    clearTimeout(this.#rest);
    if (!this.playing) this.#rest = setTimeout(() => this.#prepare(), REST_MS);
  }

  /** Fetches and decodes what playback from here would need. */
  #prepare() {
    this.frames.ahead(Math.max(0, this.frame), this.#stride);
    this.overlays.ahead(this.frame, this.#stride);
  }

  /** @param {number} frame @param {unknown} error */
  #fail(frame, error) {
    this.view.showNothing(frame);
    this.emit("frame", frame);
    this.emit("unreadable", { frame, error });
  }
}
