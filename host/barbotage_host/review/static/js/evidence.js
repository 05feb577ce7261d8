// Owns how the ground of a transition or a proposal is said: figures in the language's form, axes in words.

import { known } from "./words.js";

/** @typedef {import("./texts.js").Texts} Texts */

const NS_PER_S = 1e9;

/** A figure as it was recorded, with all its decimals. @param {Texts} texts @param {any} value */
export function typed(texts, value) {
  if (typeof value !== "number") return String(value ?? "–");
  return texts.number(value, (String(value).split(".")[1] ?? "").length);
}

/** How a value is said; those that are not here are said as they were recorded. @type {Record<string, (texts: Texts, value: any) => string>} */
const FORMS = {
  tip_seen_percent: (texts, value) => `${typed(texts, value)}\u202f%`,
  change_percent: (texts, value) => `${typed(texts, value)}\u202f%`,
  unseen_advance_mm: (texts, value) => texts.mm(value),
  distance_mm: (texts, value) => texts.mm(value),
  angle_deg: (texts, value) => `${texts.number(value, 0)}°`,
  settled_s: (texts, value) => `${typed(texts, value)}\u202fs`,
  age_ns: (texts, value) => `${texts.number(value / NS_PER_S, 1)}\u202fs`,
  plane: (texts, value) => planeWords(texts, value),
  from: (texts, value) => known(texts, `counted-${value}`, String(value)),
  planes: (texts, value) => (Array.isArray(value) && value.length ? value.map((/** @type {string} */ one) => planeWords(texts, one)).join(", ") : "–"),
};

/** @param {Texts} texts @param {string | null | undefined} plane */
export function planeWords(texts, plane) {
  return plane ? known(texts, `bedside-plane-${plane}`, plane) : "";
}

/** The grounds in one line; empty where there are none. @param {Texts} texts @param {Record<string, any> | null | undefined} evidence */
export function evidenceWords(texts, evidence) {
  return Object.entries(evidence ?? {})
    .map(([name, value]) => {
      const words = (FORMS[name] ?? typed)(texts, value);
      return texts.has(`evidence-${name}`) ? texts.t(`evidence-${name}`, { value: words }) : `${name} ${words}`;
    })
    .join(", ");
}
