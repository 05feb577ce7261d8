// Owns the two pictures side by side: the same frame twice, each with marks of its own.

import { el, setText } from "../js/dom.js";

/** @typedef {(context: CanvasRenderingContext2D, px: number) => void} DrawMarks */

export class Panes {
  /** @type {null | {titles: [string, string], draw: [DrawMarks, DrawMarks]}} */
  #shown = null;

  /** @param {import("../js/player.js").App} app */
  constructor(app) {
    this.app = app;
    this.figures = [0, 1].map(() => {
      const canvas = el("canvas");
      const caption = el("figcaption");
      return { canvas, caption, element: el("figure", {}, caption, canvas) };
    });
    this.element = el("div", { class: "panes", hidden: true }, ...this.figures.map((one) => one.element));
    // Above the picture and its scale bar, which does not hold here; below the buttons.
    document.querySelector("#stage-wrap .picture-tools")?.before(this.element);
    new ResizeObserver(() => this.draw()).observe(this.element);
    app.view.on("drawn", () => this.draw());
  }

  get shown() {
    return this.#shown !== null;
  }

  /** @param {[string, string]} titles in words @param {[DrawMarks, DrawMarks]} draw  in image coordinates */
  show(titles, draw) {
    this.#shown = { titles, draw };
    this.element.hidden = false;
    this.draw();
  }

  hide() {
    this.#shown = null;
    this.element.hidden = true;
  }

  draw() {
    const { frame, stretch } = this.app.view;
    const bitmap = frame < 0 ? undefined : this.app.frames.ready(frame);
    if (!this.#shown) return;
    this.figures.forEach(({ canvas, caption }, side) => {
      setText(caption, this.#shown?.titles[side] ?? "");
      this.#paint(canvas, bitmap, stretch, /** @type {any} */ (this.#shown).draw[side]);
    });
  }

  /** @param {HTMLCanvasElement} canvas @param {ImageBitmap | undefined} bitmap @param {number} stretch @param {DrawMarks} draw */
  #paint(canvas, bitmap, stretch, draw) {
    const { width, height } = canvas.getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(width * ratio));
    canvas.height = Math.max(1, Math.round(height * ratio));
    const context = canvas.getContext("2d");
    if (!context || !bitmap) return;
    const zoom = Math.min(width / bitmap.width, height / (bitmap.height * stretch));
    const left = (width - bitmap.width * zoom) / 2;
    const top = (height - bitmap.height * zoom * stretch) / 2;
    context.setTransform(zoom * ratio, 0, 0, zoom * ratio * stretch, left * ratio, top * ratio);
    context.drawImage(bitmap, 0, 0);
    context.translate(0.5, 0.5);
    draw(context, 1 / zoom);
  }
}
