// Owns the curves beside the picture: one time axis, one playhead, prompts as thin lines; a press or drag seeks.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { byId, el, setText } from "./dom.js";
import { recall, remember } from "./storage.js";
import { describe } from "./texts.js";

const HEIGHT_PX = 62;
const AXIS_HEIGHT_PX = 24;
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

/** @typedef {{plot: Plot, chart: any, times_s: Float64Array, columns: (number | null)[][], value: HTMLElement, head: HTMLElement, box: HTMLElement}} Shown */

/** @param {import("./player.js").App} app */
export async function attachPlots(app) {
  const place = byId("plots");
  /** @type {Shown[]} */
  const shown = [];
  const span = { window_s: Number(recall("plots-window", "0")), from_s: 0, to_s: 1 };
  const build = async (/** @type {Plot} */ plot) => {
    const found = await columnsOf(app, plot);
    if (found) shown.push(makePlot(app, place, plot, found, span));
  };
  for (const plot of PLOTS) await build(plot);
  if (shown.length === 0) place.append(el("p", { class: "empty", t: "plots-none" }));
  wireWindow(app, shown, span);
  app.player.on("target", () => follow(app, shown, span));
  app.texts.on("change", () => follow(app, shown, span));
  app.events.on("theme", () => shown.forEach((one) => one.chart.redraw(false)));
  new ResizeObserver(() => resize(place, shown)).observe(place);
  moveWindow(app, shown, span);
  wireToggle(app, place);
}

/** The values of a plot's series, on its axis; null when the session has none of them. @param {import("./player.js").App} app @param {Plot} plot */
async function columnsOf(app, plot) {
  const wanted = (/** @type {string} */ name) => plot.names.some((one) => (one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : one === name));
  const specs = app.session.series.filter((/** @type {any} */ one) => wanted(one.name));
  if (specs.length === 0) return null;
  const times_s = specs[0].axis === "frames" ? app.player.times_s : await app.api.doubles(`${app.path}/axis/${specs[0].axis}`);
  const columns = [];
  for (const spec of specs) {
    const values = await app.api.floats(`${app.path}/series/${encodeURIComponent(spec.name)}`);
    columns.push(Array.from(values, (value) => (Number.isNaN(value) ? null : value)));
  }
  return { times_s, columns, names: specs.map((/** @type {any} */ one) => one.name) };
}

/** @param {import("./player.js").App} app @param {HTMLElement} place @param {Plot} plot @param {{times_s: Float64Array, columns: (number | null)[][], names: string[]}} found @param {{from_s: number, to_s: number}} span @returns {Shown} */
function makePlot(app, place, plot, found, span) {
  const value = el("span", { class: "plot-value" });
  const unit = plot.unit ? ` (${plot.unit})` : "";
  const box = el("div", { class: "plot-canvas" });
  const legend = found.names.length > 1 ? legendOf(found.names) : null;
  place.append(
    el("figure", { class: "plot" }, el("figcaption", {}, el("span", { t: plot.title }), el("span", { class: "soft" }, unit), legend, value), box),
  );
  const head = el("div", { class: "plot-head" });
  const options = optionsOf(app, plot, found.names, span, box.clientWidth || 400);
  const chart = new uPlot(options, [found.times_s, ...found.columns], box);
  chart.over.append(head);
  seekByPointer(app, chart);
  return { plot, chart, times_s: found.times_s, columns: found.columns, value, head, box };
}

/** Colour of a curve from the style sheet. @param {number} at */
const inkOf = (at) => getComputedStyle(document.documentElement).getPropertyValue(`--curve-${at % 6}`).trim();
const colourOf = (/** @type {string} */ name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3]];

/** @param {import("./player.js").App} app @param {Plot} plot @param {string[]} names @param {{from_s: number, to_s: number}} span @param {number} width */
function optionsOf(app, plot, names, span, width) {
  const number = (/** @type {number} */ value) => app.texts.number(value, Math.abs(value) < 10 && value % 1 ? 1 : 0);
  const axis = { stroke: () => colourOf("--soft"), grid: { stroke: () => colourOf("--grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const range = (/** @type {any} */ _chart, /** @type {number} */ low, /** @type {number} */ high) =>
    plot.range ?? uPlot.rangeNum(low ?? 0, high ?? 1, { min: { pad: 0.1, soft: 0, mode: 1 }, max: { pad: 0.1, soft: 0, mode: 1 } });
  return {
    width,
    height: HEIGHT_PX + AXIS_HEIGHT_PX,
    padding: [4, 6, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: SYNC, setSeries: false }, drag: { x: false, y: false }, y: false, points: { show: false } },
    scales: { x: { time: false, range: () => [span.from_s, span.to_s] }, y: { range } },
    axes: [
      { ...axis, size: AXIS_HEIGHT_PX - 4, space: 60, gap: 2, values: (/** @type {any} */ _c, /** @type {number[]} */ ticks) => ticks.map((one) => clockWords(one)) },
      { ...axis, size: AXIS_WIDTH_PX, space: 22, gap: 4, values: (/** @type {any} */ _c, /** @type {number[]} */ ticks) => ticks.map(number) },
    ],
    series: [{}, ...names.map((_, at) => ({ stroke: () => inkOf(at), width: at ? 1 : 1.4, dash: DASHES[at % DASHES.length], points: { show: false } }))],
    hooks: { drawClear: [(/** @type {any} */ chart) => drawPrompts(app, chart)] },
  };
}

/** Minutes and seconds at a tick. @param {number} t_s */
function clockWords(t_s) {
  const rest = t_s % 60;
  return `${Math.floor(t_s / 60)}:${rest < 10 ? "0" : ""}${rest % 1 ? rest.toFixed(1) : rest.toFixed(0)}`;
}

/** @param {string[]} names */
function legendOf(names) {
  const words = names.map((name) => name.replace(/^stage_/, "").replace(/_ms$/, "").replaceAll("_", " "));
  return el("span", { class: "legend" }, ...words.map((word, at) => el("span", { class: `curve-${at % 6}` }, word)));
}

/** Shown prompts as thin lines behind the curves. @param {import("./player.js").App} app @param {any} chart */
function drawPrompts(app, chart) {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.fillStyle = colourOf("--prompt-band");
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
