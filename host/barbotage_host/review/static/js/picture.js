// Owns the device's marks on the picture and their switches: on or off, guided or as detected, recorded or re-run.

import { byId, el, setAttribute } from "./dom.js";
import { drawDetections, drawGuidance } from "./overlay.js";

const LAYER_ORDER = 10;

/** @param {import("./player.js").App} app */
export function attachMarks(app) {
  const { view, overlays, player, keys } = app;
  const state = { on: true, raw: false };
  const note = el("p", { class: "not-processed", t: "not-processed", hidden: true });
  byId("stage-wrap").append(note);
  view.addLayer(
    "device",
    (context, _frame, overlay) => {
      if (!state.on || !overlay) return;
      if (state.raw) drawDetections(context, view.px, overlay.detections);
      else drawGuidance(context, view.px, overlay.guidance);
    },
    LAYER_ORDER,
  );
  const showNote = () => {
    const overlay = overlays.now;
    note.hidden = !overlay || overlay.guidance !== null || overlay.detections !== null;
  };
  view.on("drawn", showNote);
  overlays.on("arrived", () => {
    view.redraw();
    showNote();
  });
  const toggle = byId("overlay");
  const raw = byId("raw");
  const set = (/** @type {Partial<typeof state>} */ change) => {
    Object.assign(state, change);
    setAttribute(toggle, "aria-pressed", String(state.on));
    setAttribute(raw, "aria-pressed", String(state.raw));
    view.redraw();
  };
  toggle.addEventListener("click", () => set({ on: !state.on }));
  raw.addEventListener("click", () => set({ raw: !state.raw, on: true }));
  keys.add({ key: "o", text: "overlay-toggle", group: "group-picture", run: () => set({ on: !state.on }) });
  keys.add({ key: "d", text: "overlay-raw", group: "group-picture", run: () => set({ raw: !state.raw, on: true }) });
  attachZoom(app);
  nameThePicture(app, player);
  set({});
}

/** @param {import("./player.js").App} app */
function attachZoom({ view, keys }) {
  const PAN_PX = 60;
  /** @type {[string[], string, string | null, () => void][]} */
  const actions = [
    [["+"], "zoom-in", "zoom-in", () => view.zoomIn()],
    [["-"], "zoom-out", "zoom-out", () => view.zoomOut()],
    [["0", "f"], "zoom-fit", "zoom-fit", () => view.fit()],
    [["1"], "zoom-actual", null, () => view.actualSize()],
    [["Ctrl+ArrowLeft"], "pan-left", null, () => view.panBy(PAN_PX, 0)],
    [["Ctrl+ArrowRight"], "pan-right", null, () => view.panBy(-PAN_PX, 0)],
    [["Ctrl+ArrowUp"], "pan-up", null, () => view.panBy(0, PAN_PX)],
    [["Ctrl+ArrowDown"], "pan-down", null, () => view.panBy(0, -PAN_PX)],
  ];
  for (const [names, text, button, run] of actions) {
    names.forEach((key, place) => keys.add({ key, text, group: "group-picture", run, hidden: place > 0 }));
    if (button) byId(button).addEventListener("click", run);
  }
}

/** The picture's accessible name says which frame is seen; it changes only while nothing plays. @param {import("./player.js").App} app @param {import("./playback.js").Player} player */
function nameThePicture(app, player) {
  const stage = byId("stage");
  const name = () => {
    if (player.playing) return;
    const values = { frame: app.number(Math.max(0, player.frame) + 1, 0), count: app.number(player.count, 0) };
    setAttribute(stage, "aria-label", app.t("picture-name", values));
  };
  player.on("frame", name);
  player.on("state", name);
  app.texts.on("change", name);
  name();
}
