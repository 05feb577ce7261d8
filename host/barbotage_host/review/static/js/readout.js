// Owns the line above the picture: what the operator was told at the frame that is seen, in numbers and words.

import { byId, el, icon, setText } from "./dom.js";
import { promptWords } from "./words.js";

/**
 * @typedef {object} Field
 * @property {string} key  text key of its name
 * @property {(app: import("./player.js").App, guidance: any) => string} value
 */

/** @type {Field[]} */
const FIELDS = [
  { key: "readout-distance", value: ({ texts }, { aim }) => (aim?.in_target ? texts.t("readout-in-target") : texts.mm(aim?.distance_mm)) },
  { key: "readout-advance", value: ({ texts }, { aim }) => texts.mm(aim?.advance_mm) },
  { key: "readout-miss", value: ({ texts }, { aim }) => texts.mm(aim?.miss_mm) },
  { key: "readout-angle", value: ({ texts }, { aim }) => degrees(texts, aim?.angle_deg) },
  { key: "readout-angle-error", value: ({ texts }, { aim }) => degrees(texts, aim?.angle_error_deg) },
  { key: "readout-confidence", value: ({ texts }, { aim }) => texts.number(aim?.confidence, 2) },
  { key: "readout-latency", value: ({ texts }, { latency_ms }) => (latency_ms ? `${texts.number(latency_ms, 0)}\u202fms` : "–") },
];

/** @param {import("./texts.js").Texts} texts @param {number | null | undefined} value_deg */
function degrees(texts, value_deg) {
  return value_deg === null || value_deg === undefined ? "–" : `${texts.number(value_deg, 0)}°`;
}

/** @param {import("./player.js").App} app */
export function attachReadout(app) {
  const place = byId("readout");
  const state = el("span", { class: "state" });
  const prompt = el("span", { class: "prompt", hidden: true }, icon("warn"), el("span"));
  const values = FIELDS.map(() => el("dd", {}, "–"));
  const list = el("dl", {}, ...FIELDS.map((field, at) => el("div", {}, el("dt", { t: field.key }), values[at])));
  place.append(state, list, prompt);
  const show = () => {
    const guidance = app.overlays.now?.guidance;
    setText(state, app.t(stateKey(app.overlays.now)));
    state.dataset.state = stateKey(app.overlays.now);
    FIELDS.forEach((field, at) => setText(values[at], guidance && !guidance.stale ? field.value(app, guidance) : "–"));
    const shown = guidance?.prompts?.shown ?? null;
    prompt.hidden = !shown;
    if (shown) {
      prompt.dataset.priority = String(shown.priority);
      setText(prompt.lastElementChild, promptWords(app.texts, shown.kind));
    }
  };
  app.view.on("drawn", show);
  app.overlays.on("arrived", show);
  app.texts.on("change", show);
  show();
}

/** @param {import("./overlays.js").Overlay | undefined} overlay */
function stateKey(overlay) {
  if (!overlay) return "readout-waiting";
  const guidance = overlay.guidance;
  if (!guidance) return "not-processed";
  if (guidance.stale) return "bedside-state-stale";
  if (guidance.aim?.certainty === "confirmed") return "bedside-state-confirmed";
  if (guidance.aim?.certainty === "shaft-only") return "bedside-state-shaft-only";
  return guidance.needle?.state === "lost" ? "bedside-state-lost" : "bedside-state-searching";
}
