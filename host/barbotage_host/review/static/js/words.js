// Owns how the recording's own terms (events, phases, prompts, sides) are said in words.

/** @typedef {import("./texts.js").Texts} Texts */

/** A key's words, or the raw term for one that this version does not know. @param {Texts} texts @param {string} key @param {string} raw */
function known(texts, key, raw) {
  return texts.has(key) ? texts.t(key) : raw;
}

/** @param {Texts} texts @param {string | null | undefined} phase */
export function phaseWords(texts, phase) {
  return phase ? known(texts, `bedside-phase-${phase}`, phase) : "–";
}

/** @param {Texts} texts @param {string} kind */
export function promptWords(texts, kind) {
  return known(texts, `bedside-${kind}`, kind);
}

/** @param {Texts} texts @param {string | null | undefined} side */
export function sideWords(texts, side) {
  return side ? known(texts, `side-${side}`, side) : "–";
}

/** @param {Texts} texts @param {string} kind */
export function kindWords(texts, kind) {
  return known(texts, `event-${kind}`, kind);
}

/** What an event says beside its kind. @type {Record<string, (texts: Texts, value: any) => string>} */
const DETAILS = {
  phase: (texts, value) => phaseWords(texts, value.to),
  prompt: (texts, value) => `${promptWords(texts, value.kind)} (${texts.t(value.shown ? "prompt-shown" : "prompt-suppressed")})`,
  measurement: (texts, value) => [texts.t(`when-${value.when === "after" ? "after" : "before"}`), texts.size(value)].join(" · "),
  "target-accepted": (texts, value) => (value.longest_mm ? texts.mm(value.longest_mm) : ""),
  "lavage-cycle": (texts, value) => texts.number(value.count, 0),
  "recorder-stopped": (_texts, value) => String(value.why ?? ""),
};

/** The details of an event in words; empty when the kind says all. @param {Texts} texts @param {{kind: string, value: any}} event */
export function detailWords(texts, event) {
  const detail = DETAILS[event.kind];
  return detail ? detail(texts, event.value ?? {}) : "";
}

/** Kind and details in one line. @param {Texts} texts @param {{kind: string, value: any}} event */
export function eventWords(texts, event) {
  const detail = detailWords(texts, event);
  return detail ? `${kindWords(texts, event.kind)} · ${detail}` : kindWords(texts, event.kind);
}
