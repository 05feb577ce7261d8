// Owns the page of sessions: a table to filter and sort, each row a way into the player.

import { makeApi } from "./api.js";
import { byId, el, icon, setText } from "./dom.js";
import { filtered, promptCount, REACHABLE, sorted } from "./list_model.js";
import { makeSay } from "./say.js";
import { recall, remember } from "./storage.js";
import { Texts } from "./texts.js";
import { wirePreferences } from "./theme.js";
import { phaseWords, promptWords, sideWords } from "./words.js";

const COLUMNS = ["thumbnail", "date", "duration", "side", "phase", "deposit", "prompts", "reviewers", "state"];
const SORTABLE = new Set(COLUMNS.slice(1));
/** Columns in which the largest is looked for first. */
const DESCENDING_FIRST = new Set(["date", "duration", "phase", "deposit", "prompts", "reviewers"]);

class SessionList {
  /** @type {any[]} */
  rows = [];
  sort = { column: "date", direction: /** @type {"ascending" | "descending"} */ ("descending") };

  /** @param {Texts} texts @param {import("./api.js").Api} api @param {(words: string, kind?: string) => void} say */
  constructor(texts, api, say) {
    this.texts = texts;
    this.api = api;
    this.say = say;
    this.#restoreSort();
    this.#headers();
    this.#filters();
    texts.on("change", () => {
      this.#filterWords();
      this.show();
    });
  }

  async read() {
    this.rows = await this.api.json("/api/sessions");
    this.show();
  }

  #restoreSort() {
    const [column, direction] = recall("sort", "date descending").split(" ");
    if (!SORTABLE.has(column)) return;
    this.sort = { column, direction: direction === "ascending" ? "ascending" : "descending" };
  }

  #headers() {
    byId("columns").replaceChildren(
      ...COLUMNS.map((column) => {
        const key = `column-${column}`;
        if (!SORTABLE.has(column)) return el("th", { scope: "col" }, el("span", { class: "visually-hidden", t: key }));
        const button = el("button", { type: "button", class: "sort", on: { click: () => this.#sortBy(column) } }, el("span", { t: key }));
        return el("th", { scope: "col", data: { column } }, button);
      }),
    );
  }

  /** @param {string} column */
  #sortBy(column) {
    const again = this.sort.column === column;
    const first = DESCENDING_FIRST.has(column) ? "descending" : "ascending";
    const other = this.sort.direction === "ascending" ? "descending" : "ascending";
    this.sort = { column, direction: again ? other : first };
    remember("sort", `${column} ${this.sort.direction}`);
    this.show();
  }

  #filters() {
    for (const id of ["filter-text", "filter-phase", "filter-side", "filter-marked", "filter-reviewed"]) {
      byId(id).addEventListener("input", () => this.show());
    }
    byId("filter-text").form.addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
    this.#filterWords();
  }

  #filterWords() {
    const { texts } = this;
    fillSelect(byId("filter-phase"), [["", texts.t("filter-all")], ...REACHABLE.map((one) => [one, phaseWords(texts, one)])]);
    const sides = ["left", "right"].map((one) => [one, sideWords(texts, one)]);
    fillSelect(byId("filter-side"), [["", texts.t("filter-all")], ...sides, ["none", texts.t("side-none")]]);
    fillSelect(byId("filter-reviewed"), [["", texts.t("filter-all")], ["yes", texts.t("reviewed-yes")], ["no", texts.t("reviewed-no")]]);
  }

  /** Draws the table from the rows, filters and order. */
  show() {
    const filters = {
      text: byId("filter-text").value,
      phase: byId("filter-phase").value,
      side: byId("filter-side").value,
      marked: byId("filter-marked").checked,
      reviewed: byId("filter-reviewed").value,
    };
    const chosen = filtered(this.rows, filters, (row) => this.#wordsOf(row));
    const ordered = sorted(chosen, this.sort.column, this.sort.direction);
    for (const header of byId("columns").querySelectorAll("th[data-column]")) {
      const active = header.dataset.column === this.sort.column;
      header.setAttribute("aria-sort", active ? this.sort.direction : "none");
    }
    byId("rows").replaceChildren(...ordered.map((row) => this.#row(row)));
    byId("sessions").hidden = ordered.length === 0;
    setText(byId("count"), this.texts.t("count", { n: this.rows.length, all: this.texts.number(this.rows.length, 0), shown: this.texts.number(ordered.length, 0) }));
    this.#showEmpty(ordered.length);
  }

  /** @param {number} count */
  #showEmpty(count) {
    const empty = byId("empty");
    empty.hidden = count > 0;
    if (count > 0) return;
    if (this.rows.length > 0) {
      empty.replaceChildren(el("p", { t: "none-match" }), el("button", { type: "button", t: "filter-clear", on: { click: () => this.#clear() } }));
      return;
    }
    empty.replaceChildren(el("p", { class: "big", t: "none-yet" }), el("p", { t: "none-yet-how" }), el("pre", {}, el("code", {}, "barbotage-device demo --out demo\nbarbotage review demo")));
  }

  #clear() {
    byId("filter-text").form.reset();
    this.show();
    byId("filter-text").focus();
  }

  /** @param {any} row */
  #wordsOf(row) {
    const { texts } = this;
    const parts = [row.id, row.source, this.#date(row), sideWords(texts, row.side), phaseWords(texts, row.phase_reached), ...row.reviewers];
    return [...parts, ...Object.keys(row.prompts ?? {}).map((kind) => promptWords(texts, kind))].join(" ");
  }

  /** @param {any} row */
  #date(row) {
    return row.started_utc_ns ? this.texts.date(row.started_utc_ns) : row.id;
  }

  /** @param {any} row */
  #row(row) {
    const { texts } = this;
    const readable = !row.problem;
    const picture = readable && row.frames !== 0 ? el("img", { src: `/api/sessions/${encodeURIComponent(row.id)}/thumbnail`, alt: "", loading: "lazy", width: 96, height: 72 }) : null;
    const name = readable ? el("a", { href: `/session/${encodeURIComponent(row.id)}` }, this.#date(row)) : el("span", {}, this.#date(row));
    const sub = el("span", { class: "sub" }, row.simulated ? texts.t("simulated") : (row.source ?? ""));
    return el(
      "tr",
      { data: { session: row.id }, class: readable ? "" : "broken" },
      el("td", { class: "thumbnail" }, picture),
      el("th", { scope: "row" }, name, this.#mark(row), sub),
      el("td", { class: "number" }, texts.duration(row.duration_s)),
      el("td", {}, sideWords(texts, row.side)),
      el("td", {}, phaseWords(texts, row.phase_reached)),
      el("td", {}, depositCell(texts, row)),
      el("td", { class: "number" }, this.#prompts(row)),
      el("td", {}, row.reviewers.join(", ") || "–"),
      el("td", {}, this.#state(row)),
    );
  }

  /** @param {any} row */
  #mark(row) {
    const button = el("button", {
      type: "button", class: "marker quiet icon-only", "aria-pressed": String(row.marked), label: "mark", hint: "mark-hint",
      on: { click: () => this.#setMark(row) },
    });
    button.append(icon("bookmark"));
    return button;
  }

  /** @param {any} row */
  async #setMark(row) {
    const { marked } = await this.api.send(`/api/sessions/${encodeURIComponent(row.id)}/mark`, "POST", { marked: !row.marked });
    row.marked = marked;
    this.show();
    /** @type {HTMLElement | null} */ (document.querySelector(`tr[data-session="${CSS.escape(row.id)}"] .marker`))?.focus();
    this.say(this.texts.t(marked ? "marked" : "unmarked"));
  }

  /** @param {any} row */
  #prompts(row) {
    const count = promptCount(row);
    const kinds = Object.entries(row.prompts ?? {}).map(([kind, n]) => `${promptWords(this.texts, kind)}: ${n}`);
    return el("span", { title: kinds.join("\n") || null }, this.texts.number(count, 0));
  }

  /** @param {any} row */
  #state(row) {
    if (!row.problem) return el("span", { class: row.state === "recovered" ? "chip warn" : "chip", t: `state-${row.state}` });
    const cut = row.recoverable ? { t: "problem-cut", title: row.problem } : {};
    const words = el("p", { class: "problem", ...cut }, row.recoverable ? null : row.problem);
    if (!row.recoverable) return words;
    const button = el("button", { type: "button", t: "recover", on: { click: () => this.#recover(row, button) } });
    return el("div", { class: "recover" }, button, words);
  }

  /** @param {any} row @param {HTMLButtonElement} button */
  async #recover(row, button) {
    button.disabled = true;
    this.say(this.texts.t("recovering"));
    try {
      await this.api.send(`/api/sessions/${encodeURIComponent(row.id)}/recover`, "POST", undefined);
      await this.read();
      this.say(this.texts.t("recovered"));
      /** @type {HTMLElement | null} */ (document.querySelector(`tr[data-session="${CSS.escape(row.id)}"] a`))?.focus();
    } catch {
      button.disabled = false;
    }
  }
}

/** @param {Texts} texts @param {any} row */
function depositCell(texts, row) {
  if ([row.deposit_before, row.deposit_after].every((one) => (one?.longest_mm ?? null) === null)) return "–";
  const arrow = el("span", { class: "arrow", "aria-hidden": "true" }, " → ");
  return el("span", {}, texts.size(row.deposit_before), arrow, el("span", { class: "visually-hidden", t: "size-after" }), texts.size(row.deposit_after));
}

/** Options of a selector; what was chosen stays. @param {HTMLSelectElement} select @param {string[][]} options */
function fillSelect(select, options) {
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, words]) => new Option(words, value)));
  select.value = chosen;
}

async function main() {
  const say = makeSay();
  const texts = await Texts.load();
  const api = makeApi(say, () => texts.t("server-gone"));
  wirePreferences(texts);
  const list = new SessionList(texts, api, say);
  const title = () => (document.title = `${texts.t("list-title")} – Barbotage`);
  texts.on("change", title);
  title();
  await list.read();
  document.body.dataset.ready = "all";
}

main().catch((error) => {
  console.error(error);
  const place = byId("fatal");
  setText(place, String(error.message ?? error));
  place.hidden = false;
});
