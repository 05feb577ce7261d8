// Owns the re-run: the present model over the recorded frames, its differences, and both on the screen.

import { el, setText } from "../js/dom.js";
import { drawGuidance } from "../js/overlay.js";
import { jobRow } from "./jobs.js";

const MOST_ROWS = 500;

/**
 * @param {import("../js/player.js").App} app @param {import("./panes.js").Panes} panes @param {() => void} leaveOthers  ends the other comparison
 * @returns {{element: HTMLElement, leave: () => void}}
 */
export function rerunPart(app, panes, leaveOthers) {
  const summary = el("p", { role: "status" });
  const body = el("ul", { class: "differences" });
  const source = el("select", { id: "rerun-source" });
  for (const one of ["recorded", "rerun", "side-by-side"]) source.append(el("option", { value: one, t: `rerun-${one}` }));
  const field = el("span", { class: "field", hidden: true }, el("label", { for: "rerun-source", t: "rerun-shown" }), source);
  const scroll = el("div", { class: "scroll", tabindex: "0", role: "region", label: "differences", hidden: true }, body);
  /** @type {any} */
  let found = null;
  /** Rows of the frame in both forms, for the panes. @type {{frame: number, recorded: any, again: any}} */
  let pair = { frame: -1, recorded: null, again: null };

  const show = () => {
    field.hidden = scroll.hidden = found === null;
    if (!found) return;
    const values = { frames: app.number(found.frames, 0), identical: app.number(found.identical, 0), different: app.number(found.different, 0) };
    setText(summary, [app.t("rerun-summary", values), ...whatChanged(app, found)].join(" "));
    scroll.hidden = found.list.length === 0;
    const rows = found.list.slice(0, MOST_ROWS).map((/** @type {any} */ one) => differenceRow(app, one));
    const more = found.list.length - rows.length;
    body.replaceChildren(...rows, ...(more > 0 ? [el("li", { class: "soft" }, app.t("rerun-more", { n: app.number(more, 0) }))] : []));
  };
  const readPair = async (/** @type {number} */ frame) => {
    const query = `?from=${frame}&count=1`;
    const [[recorded], [again]] = await Promise.all([app.api.json(`${app.path}/overlay${query}`), app.api.json(`${app.path}/rerun/overlay${query}`)]);
    pair = { frame, recorded, again };
    panes.draw();
  };
  const drawSide = (/** @type {"recorded" | "again"} */ side) => (/** @type {CanvasRenderingContext2D} */ context, /** @type {number} */ px) => {
    if (pair.frame === app.view.frame) drawGuidance(context, px, pair[side]?.guidance);
  };
  const beside = () => {
    if (source.value !== "side-by-side" || !found) return;
    if (pair.frame !== app.view.frame && app.view.frame >= 0) readPair(app.view.frame).catch(() => {});
  };
  const choose = () => {
    if (source.value === "side-by-side") {
      leaveOthers();
      panes.show([app.t("rerun-recorded"), app.t("rerun-rerun")], [drawSide("recorded"), drawSide("again")]);
      beside();
      return;
    }
    if (panes.shown && source.value !== "recorded") leaveOthers();
    panes.hide();
    app.overlays.setSource(source.value);
  };
  const leave = () => {
    source.value = "recorded";
    panes.hide();
    app.overlays.setSource("recorded");
  };
  const done = async () => {
    found = await app.api.json(`${app.path}/rerun/differences`).catch(() => null);
    pair = { frame: -1, recorded: null, again: null };
    if (app.overlays.source === "rerun") app.overlays.forget();
    show();
    beside();
  };
  source.addEventListener("change", choose);
  app.player.on("frame", beside);
  app.texts.on("change", show);
  const job = jobRow(app, { start: "rerun-start", label: "rerun", begin: () => app.api.send(`${app.path}/rerun`, "POST", {}), done });
  const element = el("section", { label: "rerun" }, el("h2", { t: "rerun" }), el("p", { class: "soft", t: "rerun-why" }), job, summary, field, scroll);
  return { element, leave };
}

/** In how many frames the operator would have been told something else, and how far apart the tips lie (in mm or not at all). @param {import("../js/player.js").App} app @param {any} found */
function whatChanged(app, found) {
  if (found.different === 0) return [];
  const sentences = [app.t("rerun-changed", { n: app.number(found.frames_changed.length, 0) })];
  const apart = found.tip_apart;
  if (apart?.unit === "mm") sentences.push(app.t("rerun-apart", { median: app.number(apart.median, 3), worst: app.number(apart.worst, 3) }));
  if (app.session.image_format === "jpeg") sentences.push(app.t("rerun-lossy"));
  return sentences;
}

/** @param {import("../js/player.js").App} app @param {any} one */
function differenceRow(app, { frame, what, recorded, again }) {
  const go = () => [app.player.pause(), app.player.seek(frame)];
  const say = (/** @type {any} */ value) => {
    if (value === null || value === undefined) return "–";
    const text = typeof value === "number" ? app.number(value, 3) : typeof value === "string" ? value : JSON.stringify(value);
    return text.length > 60 ? `${text.slice(0, 57)}…` : text;
  };
  const button = el("button", { type: "button", class: "quiet", on: { click: go } }, app.t("frame-n", { frame: app.number(frame + 1, 0) }));
  return el("li", {}, button, el("span", {}, `${what}: ${say(recorded)} → ${say(again)}`));
}
