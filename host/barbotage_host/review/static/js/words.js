// Owns how the recording's own terms (events, phases, prompts, sides) are said in words.

/** @typedef {import("./texts.js").Texts} Texts */

/** A key's words, or the raw term for one that this version does not know. @param {Texts} texts @param {string} key @param {string} raw */
export function known(texts, key, raw) {
  return texts.has(key) ? texts.t(key) : raw;
}

/** @param {Texts} texts @param {string | null | undefined} phase */
export function phaseWords(texts, phase) {
  return phase ? known(texts, `bedside-phase-${phase}`, phase) : "–";
}

/** A prompt as the bedside screen says it; one whose words there need a figure that no event holds has words of its own. @param {Texts} texts @param {string} kind */
export function promptWords(texts, kind) {
  return known(texts, texts.has(`told-${kind}`) ? `told-${kind}` : `bedside-${kind}`, kind);
}

/** @param {Texts} texts @param {string | null | undefined} side */
export function sideWords(texts, side) {
  return side ? known(texts, `side-${side}`, side) : "–";
}

/** @param {Texts} texts @param {string} kind */
export function kindWords(texts, kind) {
  return known(texts, texts.has(`event-${kind}`) ? `event-${kind}` : `bedside-event-${kind}`, kind);
}
