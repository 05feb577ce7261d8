// Owns the drawing of a new shape on the picture: two ends, an outline point by point or freehand, or one point.

import { line } from "../js/overlay.js";
import { thinnedOutline } from "./geometry.js";

/** @typedef {import("./geometry.js").Point} Point */

export const PEN_COLOUR = "#ffffff";
/** Nearer than this to the first point, in CSS pixels, a click closes the outline. */
const CLOSE_AT = 10;
/** A press that moves less, in CSS pixels, is a click. */
const CLICK_WITHIN = 4;
/** A freehand outline keeps at most so many points: each stays a point that can be moved. */
export const MOST_POINTS = 48;
/** How far, in CSS pixels, a thinned freehand line may stray from the stroke. */
const STRAY = 0.7;
const LAYER_ORDER = 50;

export class Pen {
  /** @type {{kind: string, done: (points: Point[]) => void, ended: () => void} | null} */
  #task = null;
  /** @type {Point[]} */
  #points = [];
  /** @type {Point | null} */
  #hover = null;
  #stroke = false;

  /** @param {import("../js/player.js").App} app */
  constructor(app) {
    this.app = app;
    document.addEventListener("keydown", (event) => this.#key(event), { capture: true });
    app.player.on("frame", () => this.#frameChanged());
  }

  /** What is being drawn, or null. @returns {string | null} */
  get drawing() {
    return this.#task?.kind ?? null;
  }

  /**
   * Starts drawing; a second start of the same kind ends it.
   * @param {string} kind "caliper", "outline" or "point"
   * @param {{done: (points: Point[]) => void, ended: () => void}} told  `done` with the points, `ended` in any case
   */
  start(kind, told) {
    const same = this.#task?.kind === kind;
    this.cancel();
    if (same) return;
    this.app.player.pause();
    this.frame = this.app.player.frame;
    this.#task = { kind, ...told };
    this.app.view.addLayer("pen", (context) => this.#draw(context), LAYER_ORDER);
    this.app.view.capturePointer((event) => this.#pointer(event));
    this.app.say(this.app.t(`draw-${kind}`));
  }

  cancel() {
    const task = this.#task;
    if (!task) return;
    this.#task = null;
    this.#points = [];
    this.#hover = null;
    this.#stroke = false;
    this.app.view.capturePointer(null);
    this.app.view.removeLayer("pen");
    task.ended();
  }

  /** The shape that keys alone place: in the middle of what is seen. @param {string} kind @returns {Point[]} */
  defaultShape(kind) {
    const { view } = this.app;
    const { width, height } = view.stage.getBoundingClientRect();
    const [x, y] = view.toImage([width / 2, height / 2]);
    const reach = width / 8 / view.zoom;
    if (kind === "point") return [[x, y]];
    if (kind === "caliper") return [[x - reach, y], [x + reach, y]];
    const corner = (/** @type {number} */ step) => (step / 8) * 2 * Math.PI;
    return Array.from({ length: 8 }, (_, step) => [x + reach * Math.cos(corner(step)), y + 0.4 * reach * Math.sin(corner(step))]);
  }

  #frameChanged() {
    if (this.#task && this.app.player.frame !== this.frame) this.cancel();
  }

  /** @param {Point[]} points */
  #finish(points) {
    const task = this.#task;
    const { width_px, height_px } = this.app.view;
    const inside = points.map(([x, y]) => /** @type {Point} */ ([clamp(x, width_px), clamp(y, height_px)]));
    this.cancel();
    task?.done(inside);
  }

  /** @param {{type: string, point: Point}} event */
  #pointer({ type, point }) {
    if (!this.#task) return false;
    const { kind } = this.#task;
    this.#hover = point;
    if (type === "down") {
      this.#press(kind, point);
    } else if (type === "move") {
      this.#move(kind, point);
    } else if (type === "up") {
      this.#release(kind, point);
    } else if (type === "double" && kind === "outline") {
      this.#close();
    }
    this.app.view.redraw();
    return type === "down";
  }

  /** @param {string} kind @param {Point} point */
  #press(kind, point) {
    if (kind === "outline" && this.#points.length >= 3 && this.#near(point, this.#points[0], CLOSE_AT)) {
      this.#close();
      return;
    }
    this.#points.push(point);
    this.#stroke = false;
  }

  /** @param {string} kind @param {Point} point */
  #move(kind, point) {
    const last = this.#points[this.#points.length - 1];
    if (!last || this.#near(point, last, this.#stroke ? 1 : CLICK_WITHIN)) return;
    if (kind === "outline") this.#points.push(point);
    this.#stroke = true;
  }

  /** @param {string} kind @param {Point} point */
  #release(kind, point) {
    if (kind === "point") {
      this.#finish([point]);
    } else if (kind === "caliper" && (this.#stroke || this.#points.length === 2)) {
      this.#finish([this.#points[0], this.#points.length === 2 ? this.#points[1] : point]);
    } else if (kind === "outline" && this.#stroke && this.#points.length >= 3) {
      this.#close();
    }
  }

  #close() {
    if (this.#points.length < 3) return;
    this.#finish(this.#stroke ? thinnedOutline(this.#points, STRAY * this.app.view.px, MOST_POINTS) : withoutTwins(this.#points));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.#task || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      this.cancel();
    } else if (event.key === "Backspace" && this.#points.length) {
      this.#points.pop();
      this.app.view.redraw();
    } else if (event.key === "Enter" && this.#points.length >= 3 && this.#task.kind === "outline") {
      this.#close();
    } else if (event.key === "Enter" && this.#points.length === 0) {
      this.#finish(this.defaultShape(this.#task.kind));
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {Point} one @param {Point} other @param {number} within  CSS pixels */
  #near(one, other, within) {
    const { zoom, stretch } = this.app.view;
    return Math.hypot((one[0] - other[0]) * zoom, (one[1] - other[1]) * zoom * stretch) < within;
  }

  /** @param {CanvasRenderingContext2D} context */
  #draw(context) {
    const { px } = this.app.view;
    const points = this.#hover && !this.#stroke ? [...this.#points, this.#hover] : this.#points;
    const caliper = this.#task?.kind === "caliper" && this.#hover && this.#points.length === 1;
    line(context, px, caliper ? [this.#points[0], /** @type {Point} */ (this.#hover)] : points, { width: 1.4, colour: PEN_COLOUR });
    for (const [x, y] of this.#points.slice(0, 1)) {
      context.beginPath();
      context.arc(x, y, CLOSE_AT * 0.5 * px, 0, 2 * Math.PI);
      context.lineWidth = 1.4 * px;
      context.strokeStyle = PEN_COLOUR;
      context.stroke();
    }
  }
}

/** @param {number} value @param {number} size */
function clamp(value, size) {
  return Math.round(Math.max(-0.5, Math.min(size - 0.5, value)) * 100) / 100;
}

/** A double click leaves its point twice. @param {Point[]} points */
function withoutTwins(points) {
  const apart = points.filter(([x, y], place) => place === 0 || Math.hypot(x - points[place - 1][0], y - points[place - 1][1]) > 0.01);
  return apart.length >= 3 ? apart : points;
}
