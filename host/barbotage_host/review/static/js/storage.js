// Owns what the browser remembers between visits; without storage nothing is remembered and nothing fails.

const PREFIX = "barbotage-";

/** The remembered value, or `otherwise`. @param {string} name @param {string} otherwise @param {Storage} [storage] @returns {string} */
export function recall(name, otherwise, storage) {
  try {
    return (storage ?? localStorage).getItem(PREFIX + name) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** @param {string} name @param {string} value @param {Storage} [storage]  sessionStorage: for this tab only */
export function remember(name, value, storage) {
  try {
    (storage ?? localStorage).setItem(PREFIX + name, value);
  } catch {
    // Storage is switched off or full: the choice holds for this page only.
  }
}
