// Owns what an event says beside its kind, in words: one entry for each kind that says more.

import { evidenceWords, planeWords, typed } from "./evidence.js";
import { kindWords, known, phaseWords, promptWords } from "./words.js";

/** @typedef {import("./texts.js").Texts} Texts */

const NS_PER_S = 1e9;
/** Items of the checklist whose answer is typed, not chosen: it is shown as typed, whatever it reads like. */
const TYPED_ITEMS = new Set(["identity-key", "symptom-duration"]);
/** Amounts of an agent, each with the unit that the operator typed it in. @type {[string, string][]} */
const AMOUNTS = [["volume_ml", "ml"], ["dose_mg", "mg"], ["concentration_mg_per_ml", "mg/ml"], ["temperature_degc", "°C"]];

/** @param {...(string | null | undefined)} parts */
function joined(...parts) {
  return parts.filter(Boolean).join(" · ");
}

/** A code in the words of the bedside screen; a code that is not known as it is. @param {Texts} texts @param {string} group @param {any} code */
export function coded(texts, group, code) {
  return code === null || code === undefined ? "" : known(texts, `bedside-${group}-${code}`, String(code));
}

/** A reason that the device wrote in English, in words where they are known. @param {Texts} texts @param {any} why */
function whyWords(texts, why) {
  return why ? known(texts, `why-${String(why).replaceAll(" ", "-")}`, String(why)) : "";
}

/** An answer of the checklist with what was told beside it; "not recorded" without one. @param {Texts} texts @param {string} item @param {any} answer @param {Record<string, any>} details */
export function answerWords(texts, item, answer, details = {}) {
  if (answer === null || answer === undefined) return texts.t("bedside-answer-not-recorded");
  const said = TYPED_ITEMS.has(item) ? typed(texts, answer) : coded(texts, "answer", answer);
  const more = Object.entries(details).map(([name, value]) => {
    const words = name === "modality" ? coded(texts, "modality", value) : typed(texts, value);
    return `${coded(texts, "detail", name)}${texts.t("colon")}${words}`;
  });
  return joined(said, ...more);
}

/** @param {Texts} texts @param {any} value */
function checklistWords(texts, { item, answer, cleared, ...details }) {
  const said = cleared ? texts.t("bedside-answer-not-recorded") : answerWords(texts, item, answer, details);
  return `${coded(texts, "check", item)}${texts.t("colon")}${said}`;
}

/** @param {Texts} texts @param {any} value */
function agentWords(texts, value) {
  const amounts = AMOUNTS.filter(([name]) => typeof value[name] === "number").map(([name, unit]) => `${typed(texts, value[name])}\u202f${unit}`);
  return joined(`${value.name ?? "–"} (${coded(texts, "purpose", value.purpose)})`, ...(amounts.length ? amounts : [texts.t("amount-not-recorded")]));
}

/** What led into a state, without the states themselves. @param {Texts} texts @param {any} value */
export function transitionWords(texts, value) {
  const reason = value.event === "abort" ? coded(texts, "abort", value.reason) : coded(texts, "skip", value.reason);
  const missing = (Array.isArray(value.missing) ? value.missing : []).map((/** @type {string} */ one) => coded(texts, "refused", one)).join(", ");
  return joined(
    coded(texts, "trigger", value.trigger),
    reason && texts.t(value.event === "abort" ? "move-abort" : "move-skip", { reason }),
    value.note && texts.t("quoted", { text: value.note }),
    missing && texts.t("move-missing", { missing }),
    evidenceWords(texts, value.evidence),
  );
}

/** @param {Texts} texts @param {any} value */
function phaseDetail(texts, value) {
  const to = phaseWords(texts, value.to);
  const told = transitionWords(texts, { ...value, evidence: {} });
  return joined(value.from && value.trigger ? `${phaseWords(texts, value.from)} → ${to}` : to, told);
}

/** @param {Texts} texts @param {any} value */
function promptDetail(texts, value) {
  const how = texts.t(value.shown ? "prompt-shown" : "prompt-suppressed");
  return `${promptWords(texts, value.kind)} (${joined(how, value.held && known(texts, `held-${value.held}`, String(value.held)))})`;
}

/** What is offered or was asked for. @param {Texts} texts @param {string} kind @param {any} value */
function wishWords(texts, kind, value) {
  const said = detailWords(texts, { kind, value: value ?? {} });
  return joined(coded(texts, "event", kind), kind === "confirm" ? "" : said);
}

/** How the picture lies on the patient. @param {Texts} texts @param {any} value */
export function orientationWords(texts, value) {
  return joined(
    known(texts, `marker-at-${value.marker_at}`, String(value.marker_at)),
    value.mirrored ? texts.t("bedside-picture-mirrored") : "",
    value.toward && texts.t("marker-toward", { where: coded(texts, "body", value.toward) }),
  );
}

/** @param {Texts} texts @param {any} value */
function planWords(texts, value) {
  const { side, depth_mm, angle_deg, crossed } = value;
  return joined(
    known(texts, `plan-side-${side}`, String(side)),
    (depth_mm ?? null) === null ? "" : texts.t("plan-depth", { value: texts.mm(depth_mm) }),
    (angle_deg ?? null) === null ? "" : texts.t("evidence-angle_deg", { value: `${texts.number(angle_deg, 0)}°` }),
    crossed && texts.t("quoted", { text: crossed }),
  );
}

/** A check of the device; the line that the device wrote with it, in English, only where it fails. @param {Texts} texts @param {any} value */
export function checkWords(texts, value) {
  return value.passed ? texts.t("check-passed") : joined(texts.t("check-not-passed"), value.detail);
}

/** What is wrong with the board, as the bedside screen says it. @param {Texts} texts @param {any} value */
function boardWords(texts, value) {
  const figures = { celsius: texts.number(value.temperature_c, 0), mb: texts.number(value.disk_free_mb, 0) };
  const troubles = (Array.isArray(value.troubles) ? value.troubles : []).map((/** @type {string} */ one) => (texts.has(`bedside-board-${one}`) ? texts.t(`bedside-board-${one}`, figures) : one));
  return troubles.join(", ") || texts.t("board-well");
}

/** A number of its kind: "no. 3". @param {Texts} texts @param {any} value */
const numbered = (texts, value) => (value.count === undefined ? "" : texts.t("count-n", { n: texts.number(value.count, 0) }));
/** @param {Texts} _texts @param {any} value */
const why = (_texts, value) => String(value.why ?? "");
/** @param {string} group @param {string} [name] @returns {(texts: Texts, value: any) => string} */
const code = (group, name = group) => (texts, value) => coded(texts, group, value[name]);
/** @param {string} on @param {string} off @param {string} [name] @returns {(texts: Texts, value: any) => string} */
const either = (on, off, name = "on") => (texts, value) => (name in value ? texts.t(value[name] ? on : off) : "");

/** What an event says beside its kind. @type {Record<string, (texts: Texts, value: any) => string>} */
const DETAILS = {
  phase: phaseDetail,
  prompt: promptDetail,
  measurement: (texts, value) => joined(texts.t(value.when === "after" ? "when-after" : "when-before"), planeWords(texts, value.plane), texts.size(value)),
  "target-accepted": (texts, value) => (value.longest_mm ? texts.mm(value.longest_mm) : ""),
  "target-released": (texts, value) => whyWords(texts, value.why),
  "lavage-cycle": (texts, value) => joined(texts.number(value.count, 0), value.from && known(texts, `counted-${value.from}`, String(value.from))),
  "recorder-stopped": why,
  "source-lost": why,
  "pod-lost": why,
  "model-error": (texts, value) => (value.failing === false ? texts.t("model-works") : why(texts, value)),
  "pod-connected": (_texts, value) => joined(value.serial, value.version),
  board: boardWords,
  "procedure-failed": (texts, value) => joined(value.state && phaseWords(texts, value.state), value.why),
  "first-picture": (texts, value) => (typeof value.after_s === "number" ? texts.t("first-after", { value: `${typed(texts, value.after_s)}\u202fs` }) : ""),
  drops: (texts, value) => texts.t("drops-value", { frames: texts.number(value.recorder_frames, 0), messages: texts.number(value.recorder_messages, 0) }),
  "clock-step": (texts, value) => (typeof value.step_ns === "number" ? `${texts.number(value.step_ns / NS_PER_S, 1)}\u202fs` : ""),
  overlay: either("overlay-shown", "overlay-hidden"),
  frozen: either("frozen-on", "frozen-off"),
  "device-check": (texts, value) => `${coded(texts, "device", value.check)}${texts.t("colon")}${checkWords(texts, value)}`,
  checklist: checklistWords,
  plane: code("plane"),
  plan: planWords,
  agent: agentWords,
  needle: (texts, value) => `${typed(texts, value.gauge)}\u202fG${value.count === undefined ? "" : ` × ${typed(texts, value.count)}`}`,
  "tip-in-target": (texts, value) => joined(texts.t(value.in ? "tip-in" : "tip-out"), (value.distance_mm ?? null) === null ? "" : texts.mm(value.distance_mm)),
  "tip-verified": code("plane"),
  turbidity: code("turbidity"),
  "syringe-change": numbered,
  "needling-pass": numbered,
  "bursa-distension": code("answer", "seen"),
  residual: code("residual"),
  complication: (texts, value) => joined(coded(texts, "complication", value.complication), value.note && texts.t("quoted", { text: value.note })),
  pain: (texts, value) => `${coded(texts, "pain", value.when)}${texts.t("colon")}${typed(texts, value.vas)}\u202f/\u202f10`,
  signature: (_texts, value) => String(value.key ?? ""),
  "patient-event": (texts, value) => joined(numbered(texts, value), value.state && phaseWords(texts, value.state)),
  proposal: (texts, value) => wishWords(texts, value.event, value.value),
  "proposal-withdrawn": (texts, value) => whyWords(texts, value.why),
  refused: (texts, value) => joined(`${coded(texts, "event", value.event)}${texts.t("colon")}${coded(texts, "refused", value.reason)}`, value.detail),
  orientation: orientationWords,
};

/** The details of an event in words; empty when the kind says all. @param {Texts} texts @param {{kind: string, value: any}} event */
export function detailWords(texts, { kind, value }) {
  if (value?.unrecordable) return texts.t("unrecordable", { why: String(value.unrecordable) });
  return DETAILS[kind]?.(texts, value ?? {}) ?? "";
}

/** Kind and details in one line. @param {Texts} texts @param {{kind: string, value: any}} event */
export function eventWords(texts, event) {
  return joined(kindWords(texts, event.kind), detailWords(texts, event));
}

/** Kind, details, ground and who did it in one line. @param {Texts} texts @param {{kind: string, value: any, by?: string}} event */
export function eventTitle(texts, event) {
  const by = event.kind === "phase" ? "" : coded(texts, "trigger", event.by);
  return joined(eventWords(texts, event), evidenceWords(texts, event.value?.evidence), by);
}
