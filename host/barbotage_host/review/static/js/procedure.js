// Owns the tab of the procedure: its states with what led into them, the checklist, agents, lavage, outcome.

import { el } from "./dom.js";
import { earlierLink } from "./earlier.js";
import { answerWords, checkWords, coded, detailWords, orientationWords, transitionWords } from "./event_words.js";
import { evidenceWords } from "./evidence.js";
import { kindWords, known, phaseWords } from "./words.js";

/** @typedef {import("./player.js").App} App */

/** Adds the tab to a session that knows of states. @param {App} app */
export function attachProcedure(app) {
  const { session, texts } = app;
  if (!session.procedure.followed && session.phases.length === 0) return;
  const panel = app.panel("procedure", "procedure");
  const link = earlierLink(app);
  const show = () => panel.replaceChildren(...[link, ...sections(app)].filter((one) => one !== null));
  texts.on("change", show);
  app.player.on("axis", show);
  show();
}

/** @param {App} app @returns {any[]} */
function sections(app) {
  const { followed, orientation } = app.session.procedure;
  const states = app.session.phases.length ? section("procedure-states", stateList(app)) : null;
  if (!followed) return [states];
  return [
    states,
    section("bedside-phase-check-case", facts(checklistRows(app))),
    section("procedure-agents", facts([...entryRows(app, ["agent", "needle"], true)])),
    section("bedside-phase-lavage", facts(lavageRows(app))),
    section("procedure-outcome", facts(outcomeRows(app))),
    section("procedure-path", facts([...entryRows(app, ["plan", "tip-verified"]), ...orientationRow(app, orientation)])),
    section("bedside-phase-check-device", facts(checkRows(app))),
  ];
}

/** A heading and what stands under it; null where there is nothing. @param {string} title @param {HTMLElement | null} content */
function section(title, content) {
  return content ? el("section", { class: "procedure-part" }, el("h3", { t: title }), content) : null;
}

/** @typedef {{name: string, words: string, ground?: string, soft?: boolean, session?: string | null}} Fact */

/** @param {Fact[]} rows */
function facts(rows) {
  if (rows.length === 0) return null;
  return el("dl", { class: "facts" }, ...rows.map(({ name, words, ground, soft, session }) => {
    const more = ground ? el("span", { class: "soft ground" }, ground) : null;
    const before = session ? el("span", { class: "soft before", t: "from-before", title: session }) : null;
    return el("div", {}, el("dt", {}, name), el("dd", { class: soft ? "soft" : "" }, words, more, before && " · ", before));
  }));
}

/** @param {App} app */
function stateList(app) {
  const rows = app.session.phases.map((/** @type {any} */ stay) => stateRow(app, stay));
  const { totals } = app.session.procedure;
  const visits = (/** @type {string} */ state) => app.session.phases.filter((/** @type {any} */ one) => one.phase === state).length;
  const again = Object.keys(totals).filter((state) => visits(state) > 1);
  const sums = again.map((state) => `${phaseWords(app.texts, state)} ${app.texts.brief(totals[state])}`);
  return el("div", {}, el("ol", { class: "event-list states" }, ...rows), sums.length ? el("p", { class: "soft" }, app.t("procedure-totals", { sums: sums.join(", ") })) : null);
}

/** @param {App} app @param {any} stay */
function stateRow(app, stay) {
  const { texts, player } = app;
  const transition = transitionWords(texts, stay);
  const button = el(
    "button",
    { type: "button", class: "event-row state-row", data: { phase: stay.phase }, on: { click: () => [player.pause(), player.seek(stay.from_frame)] } },
    el("span", { class: "when" }, texts.position(stay.t_s)),
    el("span", { class: "what" }, phaseWords(texts, stay.phase)),
    el("span", { class: "lasted" }, texts.brief(stay.duration_s)),
    transition ? el("span", { class: "detail" }, transition) : null,
  );
  return el("li", {}, button);
}

/** @param {App} app @returns {Fact[]} */
function checklistRows(app) {
  const { texts } = app;
  const { checklist, complete } = app.session.procedure;
  return checklist.map((/** @type {any} */ one) => {
    const absent = one.answer === null;
    const words = absent && !complete ? texts.t("not-recorded-here") : answerWords(texts, one.item, one.answer, one.details);
    return { name: coded(texts, "check", one.item), words, soft: absent, session: absent ? null : one.session };
  });
}

/** The newest of each check of the device. @param {App} app @returns {Fact[]} */
function checkRows(app) {
  const found = app.session.procedure.entries.filter((/** @type {any} */ one) => one.kind === "device-check");
  const newest = new Map(found.map((/** @type {any} */ one) => [one.value.check, one]));
  return [...newest].map(([check, one]) => ({ name: coded(app.texts, "device", check), words: checkWords(app.texts, one.value), session: one.session }));
}

/** One row for each entry of these kinds, as it was typed. @param {App} app @param {string[]} kinds @param {boolean} [always]  a row that says so where there is none @returns {Fact[]} */
function entryRows(app, kinds, always = false) {
  const { texts } = app;
  const { entries } = app.session.procedure;
  return kinds.flatMap((kind) => {
    const found = entries.filter((/** @type {any} */ one) => one.kind === kind);
    const rows = found.map((/** @type {any} */ one) => ({ name: kindWords(texts, kind), words: detailWords(texts, one), ground: groundWords(texts, one.value), session: one.session }));
    return rows.length || !always ? rows : [absentRow(app, kind)];
  });
}

/** On what an entry rests, without what it says itself. @param {import("./texts.js").Texts} texts @param {any} value */
function groundWords(texts, value) {
  const { plane, ...ground } = value.evidence ?? {};
  return evidenceWords(texts, plane === value.plane ? ground : value.evidence);
}

/** @param {App} app @param {string} kind @returns {Fact} */
function absentRow(app, kind) {
  const key = app.session.procedure.complete ? "bedside-answer-not-recorded" : "not-recorded-here";
  return { name: kindWords(app.texts, kind), words: app.t(key), soft: true };
}

/** @param {App} app @returns {Fact[]} */
function lavageRows(app) {
  const { texts } = app;
  const { cycles, entries, continued } = app.session.procedure;
  const origins = Object.entries(cycles.from).map(([from, n]) => `${known(texts, `counted-${from}`, from)}${texts.t("colon")}${texts.number(n, 0)}`);
  const here = continued ? [texts.t("cycles-here", { count: texts.number(cycles.here, 0) })] : [];
  const counted = [texts.number(cycles.count, 0), ...origins, ...here].join(" · ");
  const looks = entries.filter((/** @type {any} */ one) => one.kind === "turbidity").map((/** @type {any} */ one) => coded(texts, "turbidity", one.value.turbidity));
  const numbers = ["syringe-change", "needling-pass"].map((kind) => ({ kind, n: entries.filter((/** @type {any} */ one) => one.kind === kind).length }));
  return [
    { name: texts.t("bedside-cycles"), words: counted },
    looks.length ? { name: kindWords(texts, "turbidity"), words: looks.join(" → ") } : absentRow(app, "turbidity"),
    ...numbers.filter(({ n }) => n > 0).map(({ kind, n }) => ({ name: kindWords(texts, kind), words: texts.number(n, 0) })),
    ...entryRows(app, ["bursa-distension"]),
  ];
}

/** @param {App} app @returns {Fact[]} */
function outcomeRows(app) {
  return [...entryRows(app, ["measurement"]), ...entryRows(app, ["residual", "complication"], true), ...entryRows(app, ["pain", "patient-event"]), ...entryRows(app, ["signature"], true)];
}

/** @param {App} app @param {any} orientation @returns {Fact[]} */
function orientationRow(app, orientation) {
  return orientation ? [{ name: kindWords(app.texts, "orientation"), words: orientationWords(app.texts, orientation) }] : [];
}
