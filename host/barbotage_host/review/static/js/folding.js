// Owns which events stand back until they are asked for: what the device only offered, and what was refused.

/** Kinds that are folded in the list by default. */
export const FOLDED = new Set(["proposal", "proposal-withdrawn", "refused"]);

/** @param {{kind: string}} event */
export function isFolded({ kind }) {
  return FOLDED.has(kind);
}

/** Whether an event is among the main ones: neither folded nor a prompt that was held back. @param {{kind: string, value: any}} event */
export function isMain(event) {
  return !isFolded(event) && (event.kind !== "prompt" || event.value?.shown === true);
}
