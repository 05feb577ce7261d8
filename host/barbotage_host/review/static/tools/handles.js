// Owns the movable points of one shape: real buttons over the picture, so that they can be dragged, focused, named and nudged by keys.

import { el, setAttribute } from "../js/dom.js";
import { nearestEdge } from "./geometry.js";

/** @typedef {import("./geometry.js").Point} Point */

/**
 * @typedef {object} Shape
 * @property {Point[]} points  in pixels of the frame
 * @property {(place: number, count: number) => string} name  of a point, in words
 * @property {(points: Point[]) => void} moving  while points move
 * @property {(points: Point[]) => void} done  when they have come to rest
 * @property {number} [least]  fewest points; with more, points can be removed and (with `closed`) inserted
 * @property {boolean} [closed]
 * @property {() => void} escape  ends it: the Escape key on a point, or another tool
 */

const FINE_PX = 0.1;
const COARSE_PX = 10;
const SETTLE_MS = 600;
/** @type {Record<string, Point>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Handles {
  /** Those on the picture: one shape at a time can be moved. @type {Handles | null} */
  static #active = null;
  /** @type {Shape | null} */
  #shape = null;
  /** @type {Point[]} */
  #points = [];
  /** @type {HTMLButtonElement[]} */
  #buttons = [];
  #timer = 0;

  /** @param {import("../js/player.js").App} app @param {string} id  distinguishes the sets of handles */
  constructor(app, id) {
    this.app = app;
    this.hint = el("p", { id: `handles-hint-${id}`, class: "visually-hidden", t: "handle-hint" });
    this.layer = el("div", { class: "handles", hidden: true }, this.hint);
    document.getElementById("stage-wrap")?.append(this.layer);
    app.view.on("drawn", () => this.#place());
    app.view.on("zoom", () => this.#place());
    app.texts.on("change", () => this.#say());
  }

  get shown() {
    return this.#shape !== null;
  }

  /** The points as they are now. @returns {Point[]} */
  get points() {
    return this.#copy();
  }

  /** Puts the handles of another tool away. @param {Handles | null} kept */
  static keepOnly(kept) {
    const other = Handles.#active;
    if (other && other !== kept) other.#shape?.escape();
  }

  /** Shows the points of a shape; what was being moved before comes to rest first. @param {Shape} shape @param {number} [focus]  the point to focus */
  show(shape, focus) {
    this.settle();
    Handles.keepOnly(this);
    Handles.#active = this;
    this.#shape = shape;
    this.#points = shape.points.map(([x, y]) => [x, y]);
    this.layer.hidden = false;
    this.#rebuild();
    if (focus !== undefined) this.#buttons[focus]?.focus();
  }

  hide() {
    this.settle();
    if (Handles.#active === this) Handles.#active = null;
    this.#shape = null;
    this.#points = [];
    this.layer.hidden = true;
    this.#rebuild();
  }

  /** Tells that a move by keys is over, when one was going on. */
  settle() {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#shape?.done(this.#copy());
  }

  #copy() {
    return this.#points.map(([x, y]) => /** @type {Point} */ ([round(x), round(y)]));
  }

  #rebuild() {
    while (this.#buttons.length > this.#points.length) this.#buttons.pop()?.remove();
    while (this.#buttons.length < this.#points.length) {
      const button = el("button", { type: "button", class: "handle", "aria-describedby": this.hint.id });
      this.#listen(button);
      this.#buttons.push(button);
      this.layer.append(button);
    }
    this.#say();
    this.#place();
  }

  #say() {
    const shape = this.#shape;
    if (!shape) return;
    this.#buttons.forEach((button, place) => {
      const [x, y] = this.#points[place].map((value) => this.app.number(value, 1));
      setAttribute(button, "aria-label", `${shape.name(place, this.#points.length)}: ${x} / ${y} px`);
    });
  }

  #place() {
    if (!this.#shape) return;
    this.#buttons.forEach((button, place) => {
      const [x, y] = this.app.view.toScreen(this.#points[place]);
      button.style.transform = `translate(${x}px, ${y}px)`;
    });
  }

  /** @param {HTMLButtonElement} button */
  #listen(button) {
    const place = () => this.#buttons.indexOf(button);
    button.addEventListener("keydown", (event) => this.#key(event, place()));
    button.addEventListener("blur", () => this.settle());
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      button.focus();
      button.setPointerCapture(event.pointerId);
      this.#drag(button, event, place());
    });
    button.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.app.view.stage.dispatchEvent(new WheelEvent("wheel", event));
    }, { passive: false });
  }

  /** @param {HTMLButtonElement} button @param {PointerEvent} start @param {number} place */
  #drag(button, start, place) {
    const [x, y] = this.#points[place];
    const from = this.app.view.toImage([start.clientX, start.clientY]);
    let moved = false;
    const move = (/** @type {PointerEvent} */ event) => {
      const to = this.app.view.toImage([event.clientX, event.clientY]);
      moved = true;
      this.#moveTo(place, [x + to[0] - from[0], y + to[1] - from[1]]);
    };
    const end = () => {
      button.removeEventListener("pointermove", move);
      button.removeEventListener("pointerup", end);
      button.removeEventListener("pointercancel", end);
      if (moved) this.#shape?.done(this.#copy());
    };
    button.addEventListener("pointermove", move);
    button.addEventListener("pointerup", end);
    button.addEventListener("pointercancel", end);
  }

  /** @param {KeyboardEvent} event @param {number} place */
  #key(event, place) {
    const arrow = ARROWS[event.key];
    const used = () => [event.preventDefault(), event.stopPropagation()];
    if (arrow && !event.ctrlKey && !event.metaKey) {
      used();
      const step = event.shiftKey ? COARSE_PX : event.altKey ? FINE_PX : 1;
      const [x, y] = this.#points[place];
      this.#moveTo(place, [x + arrow[0] * step, y + arrow[1] * step]);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.settle(), SETTLE_MS);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      used();
      this.#remove(place);
    } else if (event.key === "Insert" || event.key === "Enter") {
      used();
      this.#insertAfter(place);
    } else if (event.key === "Escape" && this.#shape) {
      used();
      this.#shape.escape();
    }
  }

  /** Moves a point, never out of the picture. @param {number} place @param {Point} point */
  #moveTo(place, [x, y]) {
    const { width_px, height_px } = this.app.view;
    const inside = (/** @type {number} */ value, /** @type {number} */ size) => Math.max(-0.5, Math.min(size - 0.5, value));
    this.#points[place] = [inside(x, width_px), inside(y, height_px)];
    this.#place();
    this.#say();
    this.#shape?.moving(this.#copy());
  }

  /** @param {number} place */
  #remove(place) {
    const shape = this.#shape;
    if (!shape || shape.least === undefined || this.#points.length <= shape.least) return;
    this.#points.splice(place, 1);
    this.#rebuild();
    this.#buttons[Math.min(place, this.#buttons.length - 1)]?.focus();
    this.#changed();
  }

  /** @param {number} place */
  #insertAfter(place) {
    const shape = this.#shape;
    if (!shape?.closed) return;
    const [x, y] = this.#points[place];
    const [nextX, nextY] = this.#points[(place + 1) % this.#points.length];
    this.#points.splice(place + 1, 0, [(x + nextX) / 2, (y + nextY) / 2]);
    this.#rebuild();
    this.#buttons[place + 1].focus();
    this.#changed();
  }

  /** Puts a new point on the edge of a closed shape that is nearest to it. @param {Point} point */
  insertAt(point) {
    if (!this.#shape?.closed) return;
    const place = nearestEdge(this.#points, point);
    this.#points.splice(place, 0, point);
    this.#rebuild();
    this.#buttons[place].focus();
    this.#changed();
  }

  #changed() {
    this.#shape?.moving(this.#copy());
    this.#shape?.done(this.#copy());
  }
}

/** Hundredths of a pixel are far below what a hand can point at. @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}
