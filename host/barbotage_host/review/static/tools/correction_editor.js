// Owns the correction of one frame: shaft ends, tip and outlines, moved on the picture, or said not to be seen.

import { el, setAttribute } from "../js/dom.js";
import { describe } from "../js/texts.js";
import { thinnedOutline } from "./geometry.js";
import { Handles } from "./handles.js";
import { MOST_POINTS, Pen } from "./pen.js";
import { correctionOf, tidy } from "./store.js";

/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./store.js").Correction} Correction */

const PARTS = ["needle", "tip", "deposits"];
/** An outline of the device is thinned to this many pixels before its points are moved by hand. */
const OUTLINE_TOLERANCE_PX = 0.6;

export class CorrectionEditor {
  /** What the handles move: {part: "needle" | "tip" | "deposits", index}. @type {{part: string, index: number} | null} */
  #edited = null;
  /** Its points while they move. @type {Point[] | null} */
  #moving = null;

  /** @param {import("../js/player.js").App} app @param {{frame: number, shown: import("./opinion.js").Shown | null, show: () => void, load: () => Promise<void>}} tool */
  constructor(app, tool) {
    this.app = app;
    this.tool = tool;
    this.handles = new Handles(app, "correct");
    this.pen = new Pen(app);
    this.rows = Object.fromEntries(PARTS.map((part) => [part, this.#row(part)]));
    this.outlines = el("ul", { class: "outlines" });
    this.element = el("section", { class: "corrections", label: "corrections" }, el("h2", { t: "corrections" }), ...PARTS.map((part) => this.rows[part].element), this.outlines);
  }

  /** @param {string} part */
  #row(part) {
    const state = el("span", { class: "chip" });
    const button = (/** @type {string} */ key, /** @type {() => any} */ run) =>
      el("button", { type: "button", t: key, label: `${key}-${part}`, on: { click: run } });
    const correct = button("correct-it", () => this.correct(part));
    const absent = button("absent-it", () => this.absent(part));
    const back = el("button", { type: "button", class: "icon-only", label: `as-shown-${part}`, hint: `as-shown-${part}`, on: { click: () => this.asShown(part) } }, "↺");
    const element = el("div", { class: "row", role: "group", label: `part-${part}` }, el("span", { class: "part", t: `part-${part}` }), state, el("span", { class: "spacer" }), correct, absent, back);
    return { element, state, correct, absent, back };
  }

  /** The correction as it stands. @returns {Correction | undefined} */
  get #correction() {
    return this.app.review.get().corrections.find((/** @type {Correction} */ one) => one.frame === this.tool.frame);
  }

  /** Starts the correction of an object: moves what is there, draws what is not. @param {string} object */
  async correct(object) {
    const part = partOf(object);
    if (!part) return;
    await this.#ready();
    if (part === "deposits") return this.#correctDeposits(object);
    if (this.#points(part)) return this.#edit(part, 0);
    const kind = part === "tip" ? "point" : "caliper";
    return this.pen.start(kind, {
      done: (points) => this.#store(part, 0, points).then((done) => done && this.#edit(part, 0)),
      ended: () => this.show(),
    });
  }

  /** Says that an object is not to be seen. @param {string} object */
  async absent(object) {
    const part = partOf(object);
    if (!part) return;
    await this.#ready();
    this.#stop();
    await this.#change((correction) => {
      if (part === "deposits") correction.deposits = [];
      else if (part === "tip") [correction.tip_px, correction.tip_visible] = [null, false];
      else [correction.shaft, correction.shaft_visible] = [null, false];
    });
  }

  /** Takes a correction back. @param {string} part */
  async asShown(part) {
    this.#stop();
    await this.#change((correction) => {
      if (part === "deposits") correction.deposits = null;
      else if (part === "tip") [correction.tip_px, correction.tip_visible] = [null, null];
      else [correction.shaft, correction.shaft_visible] = [null, null];
    });
  }

  /** The panel was opened: points of other tools are put away. */
  shown() {
    Handles.keepOnly(this.handles);
  }

  /** Ends what is going on: another frame is shown. */
  leave() {
    this.pen.cancel();
    this.#stop();
  }

  /** What is corrected on the frame, for drawing; while points move, where they are now. @param {import("./opinion.js").Opinion} opinion @returns {import("./opinion.js").Opinion} */
  corrected(opinion) {
    const correction = this.#correction;
    const own = {
      ...opinion,
      deposits: correction?.deposits ? opinion.deposits : [],
      shaft: correction?.shaft ? opinion.shaft : null,
      tip: correction?.tip_px ? opinion.tip : null,
    };
    if (!this.#edited || !this.#moving) return own;
    const { part, index } = this.#edited;
    if (part === "tip") return { ...own, tip: this.#moving[0] };
    if (part === "needle") return { ...own, shaft: /** @type {[Point, Point]} */ (this.#moving) };
    const moving = this.#moving;
    return { ...own, deposits: own.deposits.map((outline, place) => (place === index ? moving : outline)) };
  }

  show() {
    const correction = this.#correction;
    const known = this.tool.frame >= 0;
    for (const part of PARTS) {
      const row = this.rows[part];
      const state = stateOf(part, correction);
      describe(row.state, { t: `correction-${state}` });
      row.state.classList.toggle("good", state !== "as-shown");
      row.state.hidden = row.back.hidden = state === "as-shown";
      setAttribute(row.absent, "aria-pressed", String(state === "absent"));
      row.correct.disabled = row.absent.disabled = !known;
      row.back.disabled = !known;
    }
    this.#showOutlines(correction);
    if (this.#edited && !this.#moving) this.#refresh();
  }

  async #ready() {
    this.app.panels.show("correct");
    this.app.player.pause();
    await this.tool.load();
  }

  #stop() {
    this.handles.hide();
    this.#edited = null;
    this.#moving = null;
  }

  /** Takes over the shown outlines that were not rejected, then moves the points of the one that was meant. @param {string} object */
  async #correctDeposits(object) {
    if (!this.#correction?.deposits) {
      const rejected = new Set(this.app.review.get().verdicts.filter((/** @type {any} */ one) => one.frame === this.tool.frame && one.verdict === "rejected").map((/** @type {any} */ one) => one.object));
      const taken = (this.tool.shown?.deposits ?? []).filter((one) => !rejected.has(`deposit:${one.identity}`));
      const index = Math.max(0, taken.findIndex((one) => `deposit:${one.identity}` === object));
      const outlines = taken.map((one) => ({ outline_px: thinnedOutline(one.outline, OUTLINE_TOLERANCE_PX, MOST_POINTS) }));
      if (!outlines.length) return this.addOutline();
      if (await this.#change((correction) => [(correction.deposits = outlines)])) this.#edit("deposits", index);
      return undefined;
    }
    return this.#correction.deposits.length ? this.#edit("deposits", 0) : this.addOutline();
  }

  /** Draws another outline. */
  async addOutline() {
    await this.#ready();
    this.#stop();
    this.pen.start("outline", {
      done: async (points) => {
        const index = this.#correction?.deposits?.length ?? 0;
        if (await this.#store("deposits", index, points)) this.#edit("deposits", index);
      },
      ended: () => this.show(),
    });
  }

  /** @param {string} part @param {number} index @returns {Point[] | null} what the handles begin with */
  #points(part, index = 0) {
    const correction = this.#correction;
    const { shown } = this.tool;
    if (part === "tip") {
      const tip = correction?.tip_px ?? shown?.tip;
      return tip ? [/** @type {Point} */ (tip)] : null;
    }
    if (part === "needle") {
      const { shaft } = correction ?? {};
      if (shaft) return /** @type {Point[]} */ ([shaft.entry_px, shaft.end_px]);
      return shown?.shaft ?? null;
    }
    return /** @type {Point[] | undefined} */ (correction?.deposits?.[index]?.outline_px) ?? null;
  }

  /** Shows handles on a part. @param {string} part @param {number} index @param {boolean} [focus] */
  #edit(part, index, focus = true) {
    const points = this.#points(part, index);
    if (!points) return;
    this.#edited = { part, index };
    this.#moving = null;
    const outline = part === "deposits";
    this.handles.show(
      {
        points,
        name: (place, count) => this.app.t("point-name", { shape: this.#partName(part, index), n: place + 1, count }),
        moving: (moved) => {
          this.#moving = moved;
          this.app.view.redraw();
        },
        done: (moved) => {
          this.#moving = null;
          this.#store(part, index, moved);
        },
        escape: () => {
          this.#stop();
          this.show();
          this.app.view.redraw();
        },
        closed: outline,
        least: outline ? 3 : undefined,
      },
      focus ? 0 : undefined,
    );
    this.show();
  }

  /** After undo, redo or another reviewer: the handles follow the document. */
  #refresh() {
    const { part, index } = /** @type {{part: string, index: number}} */ (this.#edited);
    const points = this.#points(part, index);
    if (!points) this.#stop();
    else if (JSON.stringify(points.map(rounded)) !== JSON.stringify(this.handles.points)) this.#edit(part, index, false);
  }

  /** @param {string} part @param {number} index */
  #partName(part, index) {
    return part === "deposits" ? this.app.t("outline-n", { n: index + 1 }) : this.app.t(`part-${part}`);
  }

  /** @param {string} part @param {number} index @param {Point[]} points @returns {Promise<boolean>} */
  #store(part, index, points) {
    return this.#change((correction) => {
      if (part === "tip") [correction.tip_px, correction.tip_visible] = [points[0], true];
      else if (part === "needle") [correction.shaft, correction.shaft_visible] = [{ entry_px: points[0], end_px: points[1] }, true];
      else (correction.deposits ??= [])[index] = { outline_px: points };
    });
  }

  /** @param {(correction: Correction) => any} change @returns {Promise<boolean>} */
  #change(change) {
    const { frame } = this.tool;
    return this.app.review.change((/** @type {import("./store.js").Review} */ document) => {
      change(correctionOf(document, frame));
      tidy(document);
    });
  }

  /** @param {Correction | undefined} correction */
  #showOutlines(correction) {
    const add = el("button", { type: "button", t: "outline-add", on: { click: () => this.addOutline() } });
    const items = (correction?.deposits ?? []).map((_, index) => {
      const name = this.app.t("outline-n", { n: index + 1 });
      const chosen = this.#edited?.part === "deposits" && this.#edited.index === index;
      const open = el("button", { type: "button", class: "quiet", "aria-pressed": String(chosen), on: { click: () => this.#edit("deposits", index) } }, name);
      const drop = el("button", { type: "button", class: "quiet icon-only", label: "measure-delete", values: { name }, on: { click: () => this.#removeOutline(index) } }, "×");
      return el("li", {}, open, drop);
    });
    this.outlines.replaceChildren(...items, el("li", {}, add));
    add.disabled = this.tool.frame < 0;
  }

  /** @param {number} index */
  #removeOutline(index) {
    this.#stop();
    this.#change((correction) => correction.deposits?.splice(index, 1));
  }
}

/** @param {string} object @returns {string | null} */
function partOf(object) {
  if (object.startsWith("deposit")) return "deposits";
  return PARTS.includes(object) ? object : null;
}

/** @param {string} part @param {Correction | undefined} correction */
function stateOf(part, correction) {
  if (part === "deposits") {
    if (!correction?.deposits) return "as-shown";
    return correction.deposits.length ? "corrected" : "absent";
  }
  const visible = part === "tip" ? correction?.tip_visible : correction?.shaft_visible;
  if (visible === null || visible === undefined) return "as-shown";
  return visible ? "corrected" : "absent";
}

/** @param {Point} point @returns {Point} */
function rounded([x, y]) {
  return [Math.round(x * 100) / 100, Math.round(y * 100) / 100];
}
