// Owns the shapes that stand for events: on the timeline and in the list of events; never told apart by colour alone.

import { svg } from "./dom.js";

/** Paths in a square of 12 units; `fill` says whether the shape is solid. @type {Record<string, {path: string, fill?: boolean, tone: string}>} */
const SHAPES = {
  phase: { path: "M2 1v10M2 2h7l-2 2.5L9 7H2", tone: "soft" },
  "target-accepted": { path: "M6 1 11 6 6 11 1 6z", fill: true, tone: "target" },
  "target-released": { path: "M6 1 11 6 6 11 1 6z", tone: "target" },
  "needle-in-target": { path: "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1zM6 4.7a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6z", tone: "good" },
  measurement: { path: "M1.5 4v4M10.5 4v4M1.5 6h9", tone: "soft" },
  "lavage-cycle": { path: "M6 1.5C8 4.5 9.5 6 9.5 7.8a3.5 3.5 0 0 1-7 0C2.5 6 4 4.5 6 1.5z", tone: "accent" },
  "patient-event": { path: "M4.3 1h3.4v3.3H11v3.4H7.7V11H4.3V7.7H1V4.3h3.3z", fill: true, tone: "bad" },
  complication: { path: "M4.3 1h3.4v3.3H11v3.4H7.7V11H4.3V7.7H1V4.3h3.3z", tone: "bad" },
  agent: { path: "M1.5 10.5 7 5M6 3l3 3M5 8.5 8.8 4.7M9.5 1 11 2.5 9 4.5", tone: "accent" },
  "tip-verified": { path: "M2 6.5 5 9.5 10 3", tone: "good" },
  checklist: { path: "M1.5 2.5h2M1.5 6h2M1.5 9.5h2M5.5 2.5h5M5.5 6h5M5.5 9.5h5", tone: "soft" },
  bookmark: { path: "M3 1h6v10L6 8.5 3 11z", fill: true, tone: "warn" },
  "prompt-shown": { path: "M6 1.5 11 10.5H1z", fill: true, tone: "warn" },
  "prompt-suppressed": { path: "M6 1.5 11 10.5H1z", tone: "soft" },
  fault: { path: "M2 2l8 8M10 2l-8 8", tone: "bad" },
  session: { path: "M6 1v10", tone: "soft" },
  review: { path: "M3 11V1.5h6.5L8 4l1.5 2.5H3", fill: true, tone: "accent" },
  other: { path: "M6 3.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z", tone: "soft" },
};
const FAULTS = new Set(["source-lost", "model-error", "recorder-stopped", "drops", "clock-step", "pod-lost"]);
const SESSION = new Set(["session-started", "session-ended", "continued", "restarted"]);
/** Kinds that share another one's shape. @type {Record<string, string>} */
const ALIKE = { "tip-in-target": "needle-in-target", needle: "agent", "needling-pass": "agent", "device-check": "checklist" };

/** The shape's name for an event. @param {{kind: string, value: any}} event */
export function shapeOf({ kind, value }) {
  if (kind === "prompt") return value?.shown ? "prompt-shown" : "prompt-suppressed";
  if (FAULTS.has(kind)) return "fault";
  if (SESSION.has(kind)) return "session";
  if ((kind === "device-check" && value?.passed === false) || (kind === "board" && value?.troubles?.length)) return "fault";
  if (kind === "complication" && value?.complication === "none-observed") return "other";
  const name = ALIKE[kind] ?? kind;
  return name in SHAPES ? name : "other";
}

/** A 12-unit picture of a shape; its meaning must stand in words beside it or in a tooltip. @param {string} name */
export function shape(name) {
  const { path, fill, tone } = SHAPES[name] ?? SHAPES.other;
  return svg(
    "svg",
    { class: `mark tone-${tone}${fill ? " solid" : ""}`, viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" },
    svg("path", { d: path }),
  );
}
