// Owns the figures about drawing that the benchmark and the browser tests read from `window.barbotage`.
//
// window.barbotage.counters:
//   drawn      frames drawn since the page opened (a redraw after zoom or resize does not count)
//   dropped    frames that playback had to pass over because the browser was late
//   stalls     times that playback waited for a frame that was not there yet
//   asked      frames asked for by seek or step
//   last       {frame, asked_ms, drawn_ms}: the frame seen now, when it was asked for and drawn (performance.now())
//   draws      the last 4,096 of these, oldest first
//   first_ms   when the first frame was drawn, from the start of the page's navigation
// window.barbotage.app is the page's `app` object.

const KEPT_DRAWS = 4096;

export const counters = {
  drawn: 0,
  dropped: 0,
  stalls: 0,
  asked: 0,
  /** @type {{frame: number, asked_ms: number, drawn_ms: number} | null} */
  last: null,
  /** @type {{frame: number, asked_ms: number, drawn_ms: number}[]} */
  draws: [],
  /** @type {number | null} */
  first_ms: null,
};

/** Counts a frame drawn now. @param {number} frame @param {number} asked_ms */
export function countDraw(frame, asked_ms) {
  const drawn_ms = performance.now();
  counters.drawn += 1;
  counters.first_ms ??= drawn_ms;
  counters.last = { frame, asked_ms, drawn_ms };
  counters.draws.push(counters.last);
  if (counters.draws.length > 2 * KEPT_DRAWS) counters.draws.splice(0, KEPT_DRAWS);
}

/** Shows the counters and the page's object to whoever measures. @param {any} app */
export function expose(app) {
  /** @type {any} */ (window).barbotage = { counters, app };
}
