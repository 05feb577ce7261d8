// Owns the review document of one reviewer: changes with undo and redo, stored by itself, never over somebody else's.

import { Emitter } from "../js/emitter.js";

const SAVE_AFTER_MS = 500;
const RETRY_AFTER_MS = 5000;
const UNDO_STEPS = 200;
/** States in which the document differs from what is stored. */
const OPEN_STATES = ["unsaved", "saving", "failed", "conflict"];
const LISTS = ["notes", "verdicts", "corrections", "measures"];

/**
 * @typedef {object} Review  see docs/review.md
 * @property {string} session @property {string} reviewer @property {number} revision @property {number} updated_utc_ns
 * @property {{frame: number, text: string}[]} notes
 * @property {{frame: number, object: string, verdict: string}[]} verdicts
 * @property {Correction[]} corrections
 * @property {Measure[]} measures
 */
/**
 * @typedef {object} Correction
 * @property {number} frame
 * @property {{entry_px: number[], end_px: number[]} | null} shaft @property {boolean | null} shaft_visible
 * @property {number[] | null} tip_px @property {boolean | null} tip_visible
 * @property {{outline_px: number[][]}[] | null} deposits
 */
/**
 * @typedef {object} Measure
 * @property {string} id @property {string} kind @property {number} frame @property {number[][]} points_px
 * @property {string | null} when @property {string | null} plane @property {number} reading
 */

export class ReviewStore extends Emitter {
  /** "nobody" | "loading" | "saved" | "unsaved" | "saving" | "failed" | "conflict" | "unreadable" */
  state = "nobody";
  reviewer = "";
  /** @type {Review | null} */
  #document = null;
  /** @type {string[]} */
  #undo = [];
  /** @type {string[]} */
  #redo = [];
  #timer = 0;

  /**
   * @param {import("../js/api.js").Api} api @param {string} path  of the session's API
   * @param {() => Promise<string | null>} askName  asks who reviews; null when the answer is refused
   */
  constructor(api, path, askName) {
    super();
    this.api = api;
    this.path = path;
    this.askName = askName;
    addEventListener("beforeunload", (event) => this.#leave(event));
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.save();
    });
  }

  /** The document as it stands; empty while nobody reviews. @returns {Review} */
  get() {
    return this.#document ?? { session: "", reviewer: "", revision: 0, updated_utc_ns: 0, notes: [], verdicts: [], corrections: [], measures: [] };
  }

  get canUndo() {
    return this.#undo.length > 0;
  }

  get canRedo() {
    return this.#redo.length > 0;
  }

  /** Switches to a reviewer: what is open is stored first; while that cannot be done nothing is switched. @param {string} name */
  async use(name) {
    await this.save();
    if (OPEN_STATES.includes(this.state)) return;
    this.reviewer = name;
    this.#document = null;
    this.#undo = [];
    this.#redo = [];
    this.#become("loading");
    try {
      this.#document = await this.#load();
      this.#become("saved");
    } catch {
      this.#become("unreadable");
    }
    this.emit("change");
  }

  /**
   * Changes the document: `change` gets a copy that it may alter. Asks for the reviewer's name when there is none.
   * @param {(document: Review) => void} change @returns {Promise<boolean>} whether it was changed
   */
  async change(change) {
    if (!this.#document) {
      const name = await this.askName();
      if (!name) return false;
      await this.use(name);
      if (!this.#document) return false;
    }
    const before = this.#lists();
    const draft = structuredClone(this.#document);
    change(draft);
    this.#document = draft;
    const after = this.#lists();
    if (after === before) return false;
    this.#undo.push(before);
    if (this.#undo.length > UNDO_STEPS) this.#undo.shift();
    this.#redo = [];
    this.#changed();
    return true;
  }

  undo() {
    this.#travel(this.#undo, this.#redo);
  }

  redo() {
    this.#travel(this.#redo, this.#undo);
  }

  /** Stores what is not stored yet. */
  async save() {
    clearTimeout(this.#timer);
    if (!this.#document || !["unsaved", "failed"].includes(this.state)) return;
    await this.#put();
  }

  /** Ends a conflict: keeps "mine" (over what was stored elsewhere) or takes "theirs". @param {string} which */
  async resolve(which) {
    if (this.state !== "conflict" || !this.#document) return;
    const stored = await this.#load();
    if (which === "theirs") {
      this.#undo.push(this.#lists());
      this.#document = stored;
      this.#become("saved");
      this.emit("change");
      return;
    }
    this.#document = { ...this.#document, revision: stored.revision };
    await this.#put();
  }

  /** @returns {Promise<Review>} */
  #load() {
    return this.api.json(this.#address());
  }

  #address() {
    return `${this.path}/reviews/${encodeURIComponent(this.reviewer)}`;
  }

  #lists() {
    const all = /** @type {any} */ (this.#document);
    return JSON.stringify(Object.fromEntries(LISTS.map((name) => [name, all[name]])));
  }

  /** @param {string[]} from @param {string[]} to */
  #travel(from, to) {
    const step = from.pop();
    if (step === undefined || !this.#document) return;
    to.push(this.#lists());
    this.#document = { ...this.#document, ...JSON.parse(step) };
    this.#changed();
  }

  #changed() {
    if (this.state !== "conflict") {
      if (this.state !== "saving") this.#become("unsaved");
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.save(), SAVE_AFTER_MS);
    }
    this.emit("change");
  }

  async #put() {
    const sent = /** @type {Review} */ (this.#document);
    const lists = this.#lists();
    const { reviewer } = this;
    this.#become("saving");
    let stored;
    try {
      stored = await this.api.send(this.#address(), "PUT", sent, { "if-match": String(sent.revision) });
    } catch (error) {
      if (this.reviewer === reviewer) this.#refused(/** @type {any} */ (error));
      return;
    }
    if (this.reviewer !== reviewer || !this.#document) return;
    this.#document = { ...this.#document, revision: stored.revision, updated_utc_ns: stored.updated_utc_ns };
    if (this.#lists() === lists) {
      this.#become("saved");
    } else {
      this.#become("unsaved");
      this.#timer = setTimeout(() => this.save(), SAVE_AFTER_MS);
    }
    this.emit("stored");
  }

  /** @param {any} error */
  #refused(error) {
    this.#become(error.status === 409 ? "conflict" : "failed");
    if (error.status === 0) this.#timer = setTimeout(() => this.save(), RETRY_AFTER_MS);
  }

  /** @param {BeforeUnloadEvent} event */
  #leave(event) {
    if (!OPEN_STATES.includes(this.state)) return;
    this.save();
    event.preventDefault();
  }

  /** @param {string} state */
  #become(state) {
    this.state = state;
    this.emit("state", state);
  }
}

/** The correction of a frame in a document, added when there is none yet. @param {Review} document @param {number} frame @returns {Correction} */
export function correctionOf(document, frame) {
  const found = document.corrections.find((one) => one.frame === frame);
  if (found) return found;
  const fresh = { frame, shaft: null, shaft_visible: null, tip_px: null, tip_visible: null, deposits: null };
  document.corrections.push(fresh);
  return fresh;
}

/** Drops corrections that say nothing. @param {Review} document */
export function tidy(document) {
  document.corrections = document.corrections.filter(
    (one) => one.shaft_visible !== null || one.tip_visible !== null || one.deposits !== null,
  );
}
