// Owns the pointer on the picture: wheel and pinch zoom to the place, drag moves, or a tool takes it.

const WHEEL_ZOOM_PER_PX = 0.0015;
const PINCH_ZOOM_PER_PX = 0.01;
const LINE_PX = 16;

export class ViewPointer {
  /** @type {((event: {type: string, point: [number, number], event: PointerEvent | MouseEvent}) => boolean | void) | null} */
  handler = null;
  /** @type {Map<number, [number, number]>} */
  #down = new Map();
  /** The pointer that belongs to the tool. @type {number | null} */
  #owned = null;

  /** @param {import("./view.js").View} view */
  constructor(view) {
    this.view = view;
    const { stage } = view;
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.#press(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    stage.addEventListener("pointerup", (event) => this.#release(event, "up"));
    stage.addEventListener("pointercancel", (event) => this.#release(event, "cancel"));
    stage.addEventListener("dblclick", (event) => this.#tell("double", event));
  }

  /** @param {MouseEvent} event @returns {[number, number]} */
  #place(event) {
    const box = this.view.stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** @param {string} type @param {PointerEvent | MouseEvent} event */
  #tell(type, event) {
    return this.handler?.({ type, point: this.view.toImage(this.#place(event)), event }) === true;
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
    const rate = event.ctrlKey ? PINCH_ZOOM_PER_PX : WHEEL_ZOOM_PER_PX;
    this.view.zoomBy(Math.exp(-event.deltaY * lines * rate), this.#place(event));
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button > 1 || this.#onControl(event)) return;
    this.view.stage.setPointerCapture(event.pointerId);
    this.#down.set(event.pointerId, this.#place(event));
    if (event.button === 0 && this.#down.size === 1 && this.#tell("down", event)) this.#owned = event.pointerId;
  }

  /** Buttons that lie on the picture keep their clicks. @param {PointerEvent} event */
  #onControl(event) {
    return event.target instanceof Element && event.target.closest("button, a, input, select, label") !== null;
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.#down.get(event.pointerId);
    if (!before) {
      this.#tell("hover", event);
      return;
    }
    const now = this.#place(event);
    if (this.#owned === event.pointerId) {
      this.#tell("move", event);
    } else if (this.#down.size === 2) {
      this.#pinch(event.pointerId, now);
    } else {
      this.view.panBy(now[0] - before[0], now[1] - before[1]);
    }
    this.#down.set(event.pointerId, now);
  }

  /** @param {number} moved @param {[number, number]} now */
  #pinch(moved, now) {
    const other = [...this.#down].find(([id]) => id !== moved);
    const before = this.#down.get(moved);
    if (!other || !before) return;
    const [, still] = other;
    const was = Math.hypot(before[0] - still[0], before[1] - still[1]);
    const is = Math.hypot(now[0] - still[0], now[1] - still[1]);
    if (was > 0) this.view.zoomBy(is / was, [(now[0] + still[0]) / 2, (now[1] + still[1]) / 2]);
  }

  /** @param {PointerEvent} event @param {string} type */
  #release(event, type) {
    if (!this.#down.delete(event.pointerId)) return;
    if (this.#owned === event.pointerId) {
      this.#owned = null;
      this.#tell(type, event);
    }
  }
}
