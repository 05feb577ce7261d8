// Owns the measure panel: calipers and outlines on a frame, in mm where there is a scale, and nothing where there is none.

import { el, setAttribute } from "../js/dom.js";
import { COLOURS, line } from "../js/overlay.js";
import { caliperMm, outlineMm } from "./geometry.js";
import { Handles } from "./handles.js";
import { measureTable } from "./measure_table.js";
import { Pen } from "./pen.js";
import { reviewerRow } from "./reviewer.js";
import { figureWords } from "./words.js";

/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./store.js").Measure} Measure */

const LAYER_ORDER = 30;
const MEASURE_COLOUR = "#ffffff";
const CHOICES = {
  when: ["", "before", "after"],
  plane: ["", "long", "short"],
  reading: ["1", "2"],
};
/** Half the length of a caliper's end bars, in CSS pixels. */
const BAR = 6;

/** @param {import("../js/player.js").App} app */
export function attachMeasure(app) {
  const tool = new MeasureTool(app);
  const group = "group-review";
  app.keys.add({ key: "m", text: "measure-caliper", group, run: () => tool.draw("caliper") });
  app.keys.add({ key: "k", text: "measure-outline", group, run: () => tool.draw("outline") });
}

class MeasureTool {
  /** The id of the measure whose points are shown. @type {string | null} */
  #chosen = null;
  /** Points of the chosen measure while they move. @type {Point[] | null} */
  #moving = null;

  /** @param {import("../js/player.js").App} app */
  constructor(app) {
    this.app = app;
    this.pen = new Pen(app);
    this.handles = new Handles(app, "measure");
    this.panel = app.panel("measure", "measure");
    this.noScale = el("p", { class: "notice", t: "measure-no-scale", hidden: true });
    this.buttons = {
      caliper: el("button", { type: "button", "aria-pressed": "false", t: "measure-caliper", on: { click: () => this.draw("caliper") } }),
      outline: el("button", { type: "button", "aria-pressed": "false", t: "measure-outline", on: { click: () => this.draw("outline") } }),
    };
    const absent = el("button", { type: "button", t: "measure-absent", hint: "measure-absent-hint", on: { click: () => this.#add("absent", []) } });
    this.selects = Object.fromEntries(Object.entries(CHOICES).map(([name, values]) => [name, choice(name, values, () => this.#tag(name))]));
    this.list = el("tbody");
    this.listTable = el("table", { class: "measures" }, el("caption", { t: "measures" }), head(["measure-noun", "frame", "when", "measure-size", ""]), this.list);
    this.none = el("p", { class: "empty", t: "measures-none" });
    this.panel.append(
      reviewerRow(app), this.noScale,
      el("div", { class: "row", role: "toolbar", label: "measure-new" }, this.buttons.caliper, this.buttons.outline, absent),
      el("div", { class: "row" }, ...Object.entries(this.selects).map(([name, select]) => el("span", { class: "field" }, el("label", { for: select.id, t: name }), select))),
      el("div", { class: "scroll", tabindex: "0", role: "region", label: "measures" }, this.listTable), this.none, measureTable(app),
    );
    app.view.addLayer("measures", (context, frame) => this.#draw(context, frame), LAYER_ORDER);
    this.panel.addEventListener("shown", () => Handles.keepOnly(this.handles));
    app.player.on("frame", () => this.#frameShown());
    app.review.on("change", () => this.#show());
    app.texts.on("change", () => this.#show());
    this.#show();
  }

  /** @param {"caliper" | "outline"} kind */
  draw(kind) {
    this.app.panels.show("measure");
    this.#choose(null);
    this.pen.start(kind, { done: (points) => this.#add(kind, points), ended: () => this.#showPen() });
    this.#showPen();
  }

  #showPen() {
    for (const [kind, button] of Object.entries(this.buttons)) setAttribute(button, "aria-pressed", String(this.pen.drawing === kind));
  }

  /** @param {string} kind @param {Point[]} points */
  async #add(kind, points) {
    const id = crypto.randomUUID();
    const frame = this.app.player.frame;
    this.app.player.pause();
    const measure = { id, kind, frame, points_px: points, ...this.#tags() };
    const done = await this.app.review.change((/** @type {any} */ document) => document.measures.push(measure));
    if (done) this.#choose(id, 0);
  }

  #tags() {
    const { when, plane, reading } = this.selects;
    return { when: when.value || null, plane: plane.value || null, reading: Number(reading.value) };
  }

  /** @param {string} name  of the select that was changed */
  #tag(name) {
    const id = this.#chosen;
    if (!id) return;
    const value = /** @type {any} */ (this.#tags())[name];
    this.app.review.change((/** @type {any} */ document) => {
      const measure = document.measures.find((/** @type {Measure} */ one) => one.id === id);
      if (measure) measure[name] = value;
    });
  }

  /** @param {string | null} id @param {number} [focus]  the point to focus */
  #choose(id, focus) {
    this.handles.settle();
    this.#chosen = id;
    this.#moving = null;
    const measure = this.#measure();
    if (measure) {
      for (const [name, select] of Object.entries(this.selects)) select.value = String(/** @type {any} */ (measure)[name] ?? "");
      if (measure.frame !== this.app.player.target) {
        this.app.player.pause();
        this.app.player.seek(measure.frame);
      }
    }
    this.#showHandles(focus);
    this.#show();
  }

  /** @returns {Measure | undefined} */
  #measure() {
    return this.app.review.get().measures.find((/** @type {Measure} */ one) => one.id === this.#chosen);
  }

  /** @param {number} [focus] */
  #showHandles(focus) {
    const measure = this.#measure();
    if (!measure || measure.frame !== this.app.player.frame || !measure.points_px.length) {
      if (this.handles.shown) this.handles.hide();
      return;
    }
    const outline = measure.kind === "outline";
    this.handles.show(
      {
        points: /** @type {Point[]} */ (measure.points_px),
        name: (place, count) => this.app.t("point-name", { shape: this.#name(measure), n: place + 1, count }),
        moving: (points) => {
          this.#moving = points;
          this.#showSize(measure.id);
          this.app.view.redraw();
        },
        done: (points) => this.#moved(measure.id, points),
        escape: () => this.#choose(null),
        closed: outline,
        least: outline ? 3 : undefined,
      },
      focus,
    );
  }

  /** @param {string} id @param {Point[]} points */
  #moved(id, points) {
    this.#moving = null;
    this.app.review.change((/** @type {any} */ document) => {
      const measure = document.measures.find((/** @type {Measure} */ one) => one.id === id);
      if (measure) measure.points_px = points;
    });
  }

  /** @param {string} id */
  #remove(id) {
    if (this.#chosen === id) this.#choose(null);
    this.app.review.change((/** @type {any} */ document) => {
      document.measures = document.measures.filter((/** @type {Measure} */ one) => one.id !== id);
    });
  }

  #frameShown() {
    const measure = this.#measure();
    if (measure && measure.frame !== this.app.player.target && measure.frame !== this.app.player.frame) this.#choose(null);
    else if (measure && !this.handles.shown) this.#showHandles();
    this.noScale.hidden = this.app.scaleAt(Math.max(0, this.app.player.frame)) !== null;
  }

  #show() {
    const measures = this.app.review.get().measures;
    if (this.#chosen && !this.#measure()) {
      this.#chosen = null;
      this.handles.hide();
    } else if (this.handles.shown && !this.#moving && !sameShape(this.handles, this.#measure())) {
      this.#showHandles();
    }
    this.list.replaceChildren(...measures.map((/** @type {Measure} */ measure) => this.#row(measure)));
    this.listTable.hidden = measures.length === 0;
    this.none.hidden = measures.length > 0;
    this.noScale.hidden = this.app.scaleAt(Math.max(0, this.app.player.frame)) !== null;
    this.app.setMarks?.("measures", measures.map((/** @type {Measure} */ one) => one.frame));
    this.app.view.redraw();
  }

  /** @param {Measure} measure */
  #row(measure) {
    const { t, number } = this.app;
    const name = this.#name(measure);
    const chosen = measure.id === this.#chosen;
    const open = el("button", { type: "button", class: "quiet", "aria-pressed": String(chosen), on: { click: () => this.#choose(measure.id, 0) } }, name);
    const drop = el("button", { type: "button", class: "quiet icon-only", label: "measure-delete", values: { name }, on: { click: () => this.#remove(measure.id) } }, "×");
    const tags = [measure.when && t(`when-${measure.when}`), measure.plane && t(`plane-${measure.plane}`), t(`reading-short-${measure.reading}`)];
    const cells = [number(measure.frame + 1, 0), tags.filter(Boolean).join(", ")];
    return el(
      "tr", { data: { id: measure.id }, class: chosen ? "chosen" : "" },
      el("th", { scope: "row" }, open), ...cells.map((words) => el("td", {}, words)),
      this.#sizeCell(measure), el("td", {}, drop),
    );
  }

  /** @param {string} id */
  #showSize(id) {
    const measure = this.#measure();
    if (measure) this.list.querySelector(`[data-id="${id}"] .size`)?.replaceWith(this.#sizeCell(measure));
  }

  /** @param {Measure} measure */
  #name(measure) {
    const alike = this.app.review.get().measures.filter((/** @type {Measure} */ one) => one.kind === measure.kind);
    return this.app.t(`measure-${measure.kind}-name`, { n: alike.findIndex((/** @type {Measure} */ one) => one.id === measure.id) + 1 });
  }

  /** @param {Measure} measure @returns {Point[]} */
  #pointsOf(measure) {
    return measure.id === this.#chosen && this.#moving ? this.#moving : /** @type {Point[]} */ (measure.points_px);
  }

  /** @param {Measure} measure */
  #sizeCell(measure) {
    const [first, ...rest] = this.#sizeWords(measure);
    return el("td", { class: "size" }, first, ...rest.map((words) => el("span", { class: "sub" }, words)));
  }

  /** @param {Measure} measure @returns {string[]} the length first */
  #sizeWords(measure) {
    if (measure.kind === "absent") return [this.app.t("measure-absent")];
    const scale = this.app.scaleAt(measure.frame);
    if (!scale) return [this.app.t("scale-unknown")];
    const points = this.#pointsOf(measure);
    if (measure.kind === "caliper") return [figureWords(this.app, caliperMm(points, scale), "mm")];
    const size = outlineMm(points, scale);
    return [figureWords(this.app, size.longest_mm, "mm"), `× ${figureWords(this.app, size.perpendicular_mm, "mm")}`, figureWords(this.app, size.area_mm2, "mm²")];
  }

  /** @param {CanvasRenderingContext2D} context @param {number} frame */
  #draw(context, frame) {
    const { px, stretch } = this.app.view;
    for (const measure of this.app.review.get().measures) {
      if (measure.frame !== frame || measure.kind === "absent") continue;
      const points = this.#pointsOf(measure);
      const width = measure.id === this.#chosen ? 2 : 1.4;
      if (measure.kind === "caliper") drawCaliper(context, px, stretch, points, width);
      else line(context, px, points, { width, colour: MEASURE_COLOUR, closed: true });
      const scale = this.app.scaleAt(frame);
      if (scale) drawWords(context, px, stretch, points, this.#shortWords(measure, points, scale));
    }
  }

  /** @param {Measure} measure @param {Point[]} points @param {[number, number]} scale */
  #shortWords(measure, points, scale) {
    const figure = measure.kind === "caliper" ? caliperMm(points, scale) : outlineMm(points, scale).longest_mm;
    return figureWords(this.app, figure, "mm");
  }
}

/** Whether the handles already show what the document holds. @param {Handles} handles @param {Measure | undefined} measure */
function sameShape(handles, measure) {
  return measure !== undefined && JSON.stringify(handles.points) === JSON.stringify(measure.points_px);
}

/** @param {string} name @param {string[]} values @param {() => void} changed */
function choice(name, values, changed) {
  const select = el("select", { id: `measure-${name}`, on: { change: changed } });
  for (const value of values) select.append(el("option", { value, t: name === "reading" ? `reading-${value}` : `${name}-${value || "none"}` }));
  return select;
}

/** @param {string[]} keys */
function head(keys) {
  return el("thead", {}, el("tr", {}, ...keys.map((key) => (key ? el("th", { scope: "col", t: key }) : el("td")))));
}

/** A line with a bar across each end. @param {CanvasRenderingContext2D} context @param {number} px @param {number} stretch @param {Point[]} points @param {number} width */
function drawCaliper(context, px, stretch, [start, end], width) {
  const dx = end[0] - start[0];
  const dy = (end[1] - start[1]) * stretch;
  const length = Math.hypot(dx, dy) || 1;
  const across = [(-dy / length) * BAR * px, ((dx / length) * BAR * px) / stretch];
  line(context, px, [start, end], { width: width - 0.4, colour: MEASURE_COLOUR });
  for (const [x, y] of [start, end]) {
    line(context, px, [[x - across[0], y - across[1]], [x + across[0], y + across[1]]], { width, colour: MEASURE_COLOUR });
  }
}

/** Words beside the rightmost point. @param {CanvasRenderingContext2D} context @param {number} px @param {number} stretch @param {Point[]} points @param {string} words */
function drawWords(context, px, stretch, points, words) {
  const [x, y] = points.reduce((best, point) => (point[0] > best[0] ? point : best));
  context.save();
  context.translate(x, y);
  context.scale(px, px / stretch);
  context.font = "600 13px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.lineWidth = 4;
  context.strokeStyle = COLOURS.halo;
  context.strokeText(words, 14, 0);
  context.fillStyle = MEASURE_COLOUR;
  context.fillText(words, 14, 0);
  context.restore();
}

