// Owns which sessions of the list are shown and in which order; pure functions of the rows.

/**
 * @typedef {object} Filters
 * @property {string} text
 * @property {string} phase     "" for all
 * @property {string} side      "" for all, "none" for not recorded
 * @property {boolean} marked   only marked ones
 * @property {string} reviewed  "" for all, "yes", "no"
 */

/** Values to sort by; null sorts last in both directions. @type {Record<string, (row: any) => number | string | null>} */
export const SORT_BY = {
  date: (row) => row.started_utc_ns,
  duration: (row) => row.duration_s,
  side: (row) => row.side,
  phase: (row) => phaseOrder(row.phase_reached),
  deposit: (row) => row.deposit_before?.longest_mm ?? null,
  prompts: (row) => promptCount(row),
  reviewers: (row) => row.reviewers.length,
  state: (row) => (row.problem ? "0" : row.state),
};

/** The states of a procedure in their order; a session reaches all but the last two, which interrupt one. */
export const PHASES = [
  "check-device", "check-case", "scan", "plan", "anaesthesia", "advance", "verify-tip", "lavage", "fragment", "bursa-inject", "post-scan",
  "close", "sealed", "pause", "abort",
];
const INTERRUPTING = new Set(["pause", "abort"]);
/** The states that can be the furthest of a session. */
export const REACHABLE = PHASES.filter((one) => !INTERRUPTING.has(one));

/** @param {string | null} phase */
function phaseOrder(phase) {
  const place = phase === null ? -1 : PHASES.indexOf(phase);
  return place < 0 ? null : place;
}

/** How many prompts a session had; null when it is not known. @param {any} row */
export function promptCount(row) {
  const counts = Object.values(row.prompts ?? {});
  if (row.frames === null) return null;
  return counts.reduce((sum, one) => sum + Number(one), 0);
}

/** The rows that pass all filters. @param {any[]} rows @param {Filters} filters @param {(row: any) => string} wordsOf  all words of a row, for the text filter */
export function filtered(rows, filters, wordsOf) {
  const words = plain(filters.text).split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (filters.phase && row.phase_reached !== filters.phase) return false;
    if (filters.side && (row.side ?? "none") !== filters.side) return false;
    if (filters.marked && !row.marked) return false;
    if (filters.reviewed && (row.reviewers.length > 0) !== (filters.reviewed === "yes")) return false;
    const all = plain(wordsOf(row));
    return words.every((word) => all.includes(word));
  });
}

/** Lower case without accents: "Repérage" is found by "reperage". @param {string} text */
function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** A sorted copy; rows without a value come last. @param {any[]} rows @param {string} column @param {"ascending" | "descending"} direction */
export function sorted(rows, column, direction) {
  const valueOf = SORT_BY[column];
  const sign = direction === "ascending" ? 1 : -1;
  return [...rows].sort((a, b) => {
    const [x, y] = [valueOf(a), valueOf(b)];
    if (x === y) return 0;
    if (x === null || x === undefined) return 1;
    if (y === null || y === undefined) return -1;
    return x < y ? -sign : sign;
  });
}
