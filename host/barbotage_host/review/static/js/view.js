// Owns the picture on the screen: two canvases (image, marks), zoom, pan, layers, and the pointer.
//
// Image coordinates have pixel centres at integers, so the picture spans -0.5 to width - 0.5. Layers draw in image
// coordinates on a context that is already transformed; `view.px` is the length of one CSS pixel there.

import { Emitter } from "./emitter.js";
import { ViewPointer } from "./view_pointer.js";

const ZOOM_STEP = 1.25;
const MOST_ZOOM = 40;
/** Above this enlargement single pixels are shown as squares. */
const SQUARE_PIXELS_FROM = 6;
/** Share of the picture that stays in sight however far it is moved. */
const KEEP_IN_SIGHT = 0.1;

/** @typedef {(context: CanvasRenderingContext2D, frame: number, overlay: import("./overlays.js").Overlay | undefined) => void} Draw */
/** @typedef {[number, number]} Point */

export class View extends Emitter {
  /** The frame on the screen; -1 before the first. */
  frame = -1;
  /** CSS pixels per image pixel, along x. */
  zoom = 1;
  /** How much taller than wide a pixel of the image is. */
  stretch = 1;
  pan = { x: 0, y: 0 };
  fitted = true;
  width_px = 0;
  height_px = 0;
  /** Pixels of the screen per CSS pixel. */
  ratio = devicePixelRatio || 1;
  /** @type {ImageBitmap | null} */
  #bitmap = null;
  /** @type {Map<string, {draw: Draw, order: number}>} */
  #layers = new Map();
  #pending = 0;

  /**
   * @param {HTMLElement} stage
   * @param {HTMLCanvasElement} image
   * @param {HTMLCanvasElement} marks
   * @param {(frame: number) => import("./overlays.js").Overlay | undefined} overlayOf
   */
  constructor(stage, image, marks, overlayOf) {
    super();
    this.stage = stage;
    this.canvases = { image, marks };
    this.context = {
      image: /** @type {CanvasRenderingContext2D} */ (image.getContext("2d", { alpha: false })),
      marks: /** @type {CanvasRenderingContext2D} */ (marks.getContext("2d")),
    };
    this.overlayOf = overlayOf;
    this.pointer = new ViewPointer(this);
    new ResizeObserver(() => this.#resize()).observe(stage);
    this.#resize();
  }

  /** Length of one CSS pixel in image pixels. */
  get px() {
    return 1 / this.zoom;
  }

  /** A point of the image in CSS pixels of the stage. @param {Point | number[]} point @returns {Point} */
  toScreen([x, y]) {
    return [(x + 0.5) * this.zoom + this.pan.x, (y + 0.5) * this.zoom * this.stretch + this.pan.y];
  }

  /** A place on the stage (CSS pixels) in image coordinates. @param {Point | number[]} place @returns {Point} */
  toImage([x, y]) {
    return [(x - this.pan.x) / this.zoom - 0.5, (y - this.pan.y) / (this.zoom * this.stretch) - 0.5];
  }

  /** Shows a frame, and the marks of that very frame, in one go. @param {number} frame @param {ImageBitmap} bitmap @param {number} stretch */
  show(frame, bitmap, stretch) {
    const sameSize = bitmap.width === this.width_px && bitmap.height === this.height_px && stretch === this.stretch;
    this.frame = frame;
    this.#bitmap = bitmap;
    this.stretch = stretch;
    this.width_px = bitmap.width;
    this.height_px = bitmap.height;
    if (!sameSize && this.fitted) this.#place();
    this.#drawAll();
  }

  /** Shows that a frame has no picture: nothing of another frame may stay. @param {number} frame */
  showNothing(frame) {
    this.frame = frame;
    this.#bitmap = null;
    this.#drawAll();
  }

  /** A layer's `draw` is called at each redraw, lower orders first. @param {string} name @param {Draw} draw @param {number} [order] */
  addLayer(name, draw, order = 0) {
    this.#layers.set(name, { draw, order });
    this.redraw();
  }

  /** @param {string} name */
  removeLayer(name) {
    this.#layers.delete(name);
    this.redraw();
  }

  /** Draws the marks again at the next repaint; many calls cost one. */
  redraw() {
    if (this.#pending) return;
    this.#pending = requestAnimationFrame(() => {
      this.#pending = 0;
      this.#drawMarks();
    });
  }

  /**
   * Hands the pointer to a tool, or back with null. The tool gets {type: "down"|"move"|"up"|"cancel"|"hover"|"double", point, event};
   * a "down" that it answers with true is its own until "up", any other moves the picture.
   * @param {((event: {type: string, point: Point, event: PointerEvent | MouseEvent}) => boolean | void) | null} handler
   */
  capturePointer(handler) {
    this.pointer.handler = handler;
    this.stage.classList.toggle("tool", handler !== null);
  }

  /** Whole picture, as large as it fits. */
  fit() {
    this.fitted = true;
    this.#place();
    this.#drawAll();
    this.emit("zoom", this.zoom);
  }

  /** One image pixel on one CSS pixel. */
  actualSize() {
    const { width, height } = this.stage.getBoundingClientRect();
    this.zoomTo(1, [width / 2, height / 2]);
  }

  /** @param {number} factor @param {Point} [place] */
  zoomBy(factor, place) {
    const { width, height } = this.stage.getBoundingClientRect();
    this.zoomTo(this.zoom * factor, place ?? [width / 2, height / 2]);
  }

  zoomIn() {
    this.zoomBy(ZOOM_STEP);
  }

  zoomOut() {
    this.zoomBy(1 / ZOOM_STEP);
  }

  /** Zooms so that the place stays where it is. @param {number} zoom @param {Point} place */
  zoomTo(zoom, place) {
    const least = Math.min(0.5, this.#fitZoom() / 2);
    const point = this.toImage(place);
    this.fitted = false;
    this.zoom = Math.min(MOST_ZOOM, Math.max(least, zoom));
    const [x, y] = this.toScreen(point);
    this.panBy(place[0] - x, place[1] - y);
    this.emit("zoom", this.zoom);
  }

  /** @param {number} x CSS pixels @param {number} y */
  panBy(x, y) {
    const { width, height } = this.stage.getBoundingClientRect();
    const wide = this.width_px * this.zoom;
    const high = this.height_px * this.zoom * this.stretch;
    this.fitted = false;
    this.pan.x = Math.min(width - KEEP_IN_SIGHT * wide, Math.max((KEEP_IN_SIGHT - 1) * wide, this.pan.x + x));
    this.pan.y = Math.min(height - KEEP_IN_SIGHT * high, Math.max((KEEP_IN_SIGHT - 1) * high, this.pan.y + y));
    this.#drawAll();
  }

  #fitZoom() {
    const { width, height } = this.stage.getBoundingClientRect();
    if (!this.width_px || !width) return 1;
    return Math.min(width / this.width_px, height / (this.height_px * this.stretch));
  }

  #place() {
    const { width, height } = this.stage.getBoundingClientRect();
    this.zoom = this.#fitZoom();
    this.pan.x = (width - this.width_px * this.zoom) / 2;
    this.pan.y = (height - this.height_px * this.zoom * this.stretch) / 2;
  }

  #resize() {
    const { width, height } = this.stage.getBoundingClientRect();
    this.ratio = devicePixelRatio || 1;
    for (const canvas of [this.canvases.image, this.canvases.marks]) {
      canvas.width = Math.max(1, Math.round(width * this.ratio));
      canvas.height = Math.max(1, Math.round(height * this.ratio));
    }
    if (this.fitted) this.#place();
    this.#drawAll();
  }

  #drawAll() {
    const { image } = this.context;
    image.setTransform(1, 0, 0, 1, 0, 0);
    image.fillStyle = "#050607";
    image.fillRect(0, 0, this.canvases.image.width, this.canvases.image.height);
    if (this.#bitmap) {
      const scale = this.zoom * this.ratio;
      image.setTransform(scale, 0, 0, scale * this.stretch, this.pan.x * this.ratio, this.pan.y * this.ratio);
      image.imageSmoothingEnabled = this.zoom < SQUARE_PIXELS_FROM;
      image.drawImage(this.#bitmap, 0, 0);
    }
    this.#drawMarks();
    this.emit("drawn", this.frame);
  }

  #drawMarks() {
    const { marks } = this.context;
    marks.setTransform(1, 0, 0, 1, 0, 0);
    marks.clearRect(0, 0, this.canvases.marks.width, this.canvases.marks.height);
    if (!this.#bitmap) return;
    const overlay = this.overlayOf(this.frame);
    const scale = this.zoom * this.ratio;
    for (const { draw } of [...this.#layers.values()].sort((a, b) => a.order - b.order)) {
      marks.save();
      const [x, y] = this.toScreen([0, 0]);
      marks.setTransform(scale, 0, 0, scale * this.stretch, x * this.ratio, y * this.ratio);
      draw(marks, this.frame, overlay);
      marks.restore();
    }
  }
}
