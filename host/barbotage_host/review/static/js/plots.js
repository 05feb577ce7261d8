// Owns the curves beside the picture: one time axis, one playhead, prompts as thin lines; a press or drag seeks.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { cssColour, forgetColours } from "./colours.js";
import { byId, el, setText, svg } from "./dom.js";
import { recall, remember } from "./storage.js";
import { describe } from "./texts.js";

const HEIGHT_PX = 38;
const AXIS_HEIGHT_PX = 18;
const PAD_PX = 4;
const AXIS_WIDTH_PX = 40;
const SYNC = "barbotage";
/** Share of the window at each side that the playhead does not enter: then the window moves on. */
const MARGIN = 0.15;

/**
 * @typedef {object} Plot
 * @property {string} title   text key
 * @property {string} unit
 * @property {string[]} names series drawn in it; a name ending in * stands for all that begin so
 * @property {[number, number]} [range]  fixed values at the bottom and top
 * @property {number} decimals
 */

/** @type {Plot[]} */
const PLOTS = [
  { title: "plot-distance", unit: "mm", names: ["tip_to_target_mm"], decimals: 1 },
  { title: "plot-angle", unit: "°", names: ["angle_error_deg"], decimals: 0 },
  { title: "plot-confidence", unit: "", names: ["confidence"], range: [0, 1], decimals: 2 },
  { title: "plot-pressure", unit: "kPa", names: ["pressure_kpa"], decimals: 1 },
  { title: "plot-stages", unit: "ms", names: ["latency_ms", "stage_*"], decimals: 0 },
];

/** @typedef {{name: string, times_s: Float64Array, values: (number | null)[]}} Curve */
/** @typedef {{plot: Plot, chart: any, times_s: Float64Array, columns: (number | null)[][], value: HTMLElement, head: HTMLElement, box: HTMLElement}} Shown */

/** @param {import("./player.js").App} app */
export async function attachPlots(app) {
  const place = byId("plots");
  /** @type {Shown[]} */
  const shown = [];
  const span = { window_s: Number(recall("plots-window", "0")), from_s: 0, to_s: 1 };
  const curves = await readCurves(app);
  const all = PLOTS.flatMap((plot) => {
    const found = columnsOf(curves, plot);
    return found ? [{ plot, ...found }] : [];
  });
  all.forEach((one, at) => shown.push(makePlot(app, place, one, span, at === all.length - 1)));
  if (shown.length === 0) place.append(el("p", { class: "empty", t: "plots-none" }));
  wireWindow(app, shown, span);
  app.player.on("target", () => follow(app, shown, span));
  app.texts.on("change", () => follow(app, shown, span));
  app.events.on("theme", () => {
    forgetColours();
    shown.forEach((one) => one.chart.redraw(false));
  });
  new ResizeObserver(() => resize(place, shown)).observe(place);
  moveWindow(app, shown, span);
  wireToggle(app, place);
}

/** All curves of the session in one request: the server reads the record once for them. @param {import("./player.js").App} app @returns {Promise<Curve[]>} */
async function readCurves(app) {
  const { session, player, api, path } = app;
  if (session.series.length === 0) return [];
  const pod_s = session.axes.pod ? await api.doubles(`${path}/axis/pod`) : new Float64Array();
  const names = session.series.map((/** @type {any} */ one) => encodeURIComponent(one.name)).join(",");
  const values = await api.floats(`${path}/series?names=${names}`);
  let at = 0;
  return session.series.map((/** @type {any} */ one) => {
    const times_s = one.axis === "frames" ? player.times_s : pod_s;
    const column = values.subarray(at, at + times_s.length);
    at += times_s.length;
    return { name: one.name, times_s, values: Array.from(column, (value) => (Number.isNaN(value) ? null : value)) };
  });
}

/** The curves of a plot on their axis; null when the session has none of them. @param {Curve[]} curves @param {Plot} plot */
function columnsOf(curves, plot) {
  const wanted = (/** @type {string} */ name) => plot.names.some((one) => (one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : one === name));
  const chosen = curves.filter((one) => wanted(one.name));
  if (chosen.length === 0) return null;
  return { times_s: chosen[0].times_s, columns: chosen.map((one) => one.values), names: chosen.map((one) => one.name) };
}

/** @typedef {{plot: Plot, times_s: Float64Array, columns: (number | null)[][], names: string[]}} Content */

/** @param {import("./player.js").App} app @param {HTMLElement} place @param {Content} content @param {{from_s: number, to_s: number}} span @param {boolean} last  the lowest plot names the times @returns {Shown} */
function makePlot(app, place, content, span, last) {
  const { plot, names, times_s, columns } = content;
  const value = el("span", { class: "plot-value" });
  const unit = plot.unit ? ` (${plot.unit})` : "";
  const box = el("div", { class: "plot-canvas" });
  const legend = names.length > 1 ? legendOf(names) : null;
  const caption = el("figcaption", {}, el("span", { t: plot.title }), el("span", { class: "soft" }, unit), value);
  place.append(el("figure", { class: "plot" }, caption, box, legend));
  const head = el("div", { class: "plot-head" });
  const options = {
    width: box.clientWidth || 400,
    height: HEIGHT_PX + AXIS_HEIGHT_PX,
    padding: [PAD_PX, 6, PAD_PX, 0],
    legend: { show: false },
    cursor: { sync: { key: SYNC, setSeries: false }, drag: { x: false, y: false }, y: false, points: { show: false } },
    scales: { x: { time: false, range: () => [span.from_s, span.to_s] }, y: { range: rangeOf(plot) } },
    axes: axesOf(app, last),
    series: [{}, ...names.map((_, at) => ({ stroke: () => inkOf(at), width: at ? 1 : 1.4, dash: DASHES[at % DASHES.length], points: { show: false } }))],
    hooks: { drawClear: [(/** @type {any} */ chart) => drawPrompts(app, chart)] },
  };
  const chart = new /** @type {any} */ (uPlot)(options, [times_s, ...columns], box);
  chart.over.append(head);
  seekByPointer(app, chart);
  return { plot, chart, times_s, columns, value, head, box };
}

const INKS = 6;
const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4]];
/** Colour and dash together tell up to thirty curves apart. @param {number} at */
const inkOf = (at) => cssColour(`--curve-${at % INKS}`);

/** The values from bottom to top: given, or those of the data with zero. @param {Plot} plot */
function rangeOf(plot) {
  const pad = { pad: 0.1, soft: 0, mode: 1 };
  return (/** @type {any} */ _chart, /** @type {number | null} */ low, /** @type {number | null} */ high) =>
    plot.range ?? uPlot.rangeNum(low ?? 0, high ?? 1, { min: pad, max: pad });
}

/** @param {import("./player.js").App} app @param {boolean} last */
function axesOf(app, last) {
  const look = {
    stroke: () => cssColour("--soft"),
    grid: { stroke: () => cssColour("--grid"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  const times = (/** @type {any} */ _chart, /** @type {number[]} */ ticks) => ticks.map((tick) => (last ? clockWords(tick) : ""));
  const number = (/** @type {number} */ value) => app.texts.number(value, Math.abs(value) < 10 && value % 1 ? 1 : 0);
  const numbers = (/** @type {any} */ _chart, /** @type {number[]} */ ticks) => ticks.map(number);
  return [
    { ...look, size: AXIS_HEIGHT_PX - PAD_PX, space: 60, gap: 2, values: times },
    { ...look, size: AXIS_WIDTH_PX, space: 15, gap: 4, values: numbers },
  ];
}

/** Minutes and seconds at a tick. @param {number} t_s */
function clockWords(t_s) {
  const rest = t_s % 60;
  return `${Math.floor(t_s / 60)}:${rest < 10 ? "0" : ""}${rest % 1 ? rest.toFixed(1) : rest.toFixed(0)}`;
}

/** @param {string[]} names */
function legendOf(names) {
  const entries = names.map((name, at) => {
    const line = svg("line", { x1: 0, x2: 18, y1: 4, y2: 4, class: `curve-${at % INKS}`, "stroke-dasharray": DASHES[at % DASHES.length].join(" ") });
    return el("span", {}, svg("svg", { width: 18, height: 8, "aria-hidden": "true" }, line), el("span", { t: `curve-${name}` }));
  });
  return el("p", { class: "legend" }, ...entries);
}

/** Shown prompts as thin lines behind the curves. @param {import("./player.js").App} app @param {any} chart */
function drawPrompts(app, chart) {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.fillStyle = cssColour("--prompt-band");
  for (const prompt of app.session.prompts) {
    if (!prompt.shown) continue;
    const x = chart.valToPos(prompt.t_s, "x", true);
    if (x >= bbox.left && x <= bbox.left + bbox.width) ctx.fillRect(x - 1, bbox.top, 2, bbox.height);
  }
  ctx.restore();
}

/** @param {import("./player.js").App} app @param {any} chart */
function seekByPointer(app, chart) {
  const over = chart.over;
  const tell = (/** @type {PointerEvent} */ event) => {
    const box = over.getBoundingClientRect();
    app.player.seek(app.player.frameAt(chart.posToVal(event.clientX - box.left, "x")));
  };
  over.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0) return;
    over.setPointerCapture(event.pointerId);
    tell(event);
  });
  over.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (over.hasPointerCapture(event.pointerId)) tell(event);
  });
}

/** Moves the playheads and the values beside the titles; moves the window along. @param {import("./player.js").App} app @param {Shown[]} shown @param {{window_s: number, from_s: number, to_s: number}} span */
function follow(app, shown, span) {
  const t_s = app.player.timeOf(app.player.target);
  const margin_s = span.window_s * MARGIN;
  if (span.window_s && (t_s < span.from_s + margin_s || t_s > span.to_s - margin_s)) moveWindow(app, shown, span);
  else showHeads(app, shown, t_s);
}

/** @param {import("./player.js").App} app @param {Shown[]} shown @param {number} t_s */
function showHeads(app, shown, t_s) {
  for (const one of shown) {
    one.head.style.transform = `translateX(${one.chart.valToPos(t_s, "x")}px)`;
    const at = one.times_s === app.player.times_s ? app.player.target : lastBefore(one.times_s, t_s);
    setText(one.value, app.texts.number(one.columns[0][at] ?? null, one.plot.decimals));
  }
}

/** Index of the last time at or before `t_s`. @param {Float64Array} times_s @param {number} t_s */
function lastBefore(times_s, t_s) {
  let low = 0;
  let high = times_s.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times_s[middle] <= t_s) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** @param {import("./player.js").App} app @param {Shown[]} shown @param {{window_s: number, from_s: number, to_s: number}} span */
function moveWindow(app, shown, span) {
  const end_s = app.player.timeOf(app.player.count - 1);
  const t_s = app.player.timeOf(app.player.target);
  const whole = !span.window_s || span.window_s >= end_s;
  span.from_s = whole ? 0 : Math.max(0, Math.min(end_s - span.window_s, t_s - span.window_s * (MARGIN + 0.05)));
  span.to_s = whole ? Math.max(end_s, 0.1) : span.from_s + span.window_s;
  for (const { chart } of shown) chart.setScale("x", { min: span.from_s, max: span.to_s });
  queueMicrotask(() => showHeads(app, shown, t_s));
}

/** @param {import("./player.js").App} app @param {Shown[]} shown @param {{window_s: number, from_s: number, to_s: number}} span */
function wireWindow(app, shown, span) {
  const select = byId("plots-window");
  select.value = String(span.window_s);
  if (select.selectedIndex < 0) select.value = "0";
  select.addEventListener("change", () => {
    span.window_s = Number(select.value);
    remember("plots-window", select.value);
    moveWindow(app, shown, span);
  });
}

/** @param {HTMLElement} place @param {Shown[]} shown */
function resize(place, shown) {
  if (!place.clientWidth) return;
  for (const { chart, box } of shown) chart.setSize({ width: box.clientWidth, height: HEIGHT_PX + AXIS_HEIGHT_PX });
}

/** @param {import("./player.js").App} app @param {HTMLElement} place */
function wireToggle(app, place) {
  const button = byId("plots-toggle");
  const set = (/** @type {boolean} */ open) => {
    place.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    describe(button, { hint: open ? "plots-hide" : "plots-show" });
    remember("plots", open ? "open" : "closed");
  };
  const toggle = () => set(Boolean(place.hidden));
  button.addEventListener("click", toggle);
  app.keys.add({ key: "g", text: "plots-toggle", group: "group-page", run: toggle });
  set(recall("plots", "open") === "open");
}
