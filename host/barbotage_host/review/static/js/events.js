// Owns the list of events: what happened, when, by whom; each row leads to its frame.

import { el, icon, setAttribute, setText } from "./dom.js";
import { earlierLink } from "./earlier.js";
import { detailWords, eventTitle } from "./event_words.js";
import { isFolded, isMain } from "./folding.js";
import { shape, shapeOf } from "./marks.js";
import { kindWords } from "./words.js";

/** @type {Record<string, (event: any) => boolean>} */
const FILTERS = {
  "events-main": isMain,
  "events-all": () => true,
  "events-prompts": (event) => event.kind === "prompt",
};

/** @param {import("./player.js").App} app */
export function attachEvents(app) {
  const { session, player } = app;
  const panel = app.panel("events", "events");
  const select = el("select", { id: "events-filter" });
  const list = el("ol", { class: "event-list" });
  const none = el("p", { class: "empty", t: "events-none", hidden: true });
  const rows = session.events.map((/** @type {any} */ event) => rowOf(app, event));
  const fold = foldButton(app, () => show());
  const show = () => {
    const unfolded = fold.getAttribute("aria-expanded") === "true";
    const main = select.value === "events-main";
    const passes = (/** @type {any} */ event) => FILTERS[select.value](event) || (main && unfolded && isFolded(event));
    const chosen = rows.filter((/** @type {any} */ row) => passes(row.event));
    list.replaceChildren(...chosen.map((/** @type {any} */ row) => row.item));
    none.hidden = chosen.length > 0;
    fold.hidden = !main || !session.events.some(isFolded);
  };
  for (const key of Object.keys(FILTERS)) select.append(el("option", { value: key, t: key }));
  select.addEventListener("change", show);
  const field = el("span", { class: "field" }, el("label", { for: "events-filter", t: "events-filter" }), select);
  panel.append(el("div", { class: "event-filter" }, field, fold), list, none);
  app.texts.on("change", () => rows.forEach((/** @type {any} */ row) => row.say()));
  player.on("axis", () => rows.forEach((/** @type {any} */ row) => row.say()));
  player.on("frame", (frame) => showCurrent(rows, frame));
  show();
}

/** The button that shows proposals and refusals in their places, and says how many there are. @param {import("./player.js").App} app @param {() => void} show */
function foldButton(app, show) {
  const words = el("span");
  const say = () => setText(words, app.t("events-folded", { count: app.number(app.session.events.filter(isFolded).length, 0) }));
  const button = el("button", {
    type: "button", id: "events-fold", class: "quiet disclosure fold", "aria-expanded": "false",
    on: { click: () => [button.setAttribute("aria-expanded", String(button.getAttribute("aria-expanded") !== "true")), show()] },
  }, icon("unfold"), words);
  app.texts.on("change", say);
  say();
  return button;
}

/** @param {import("./player.js").App} app @param {any} event */
function rowOf(app, event) {
  const { texts, player } = app;
  const time = el("span", { class: "when" });
  const kind = el("span", { class: "what" });
  const detail = el("span", { class: "detail" });
  const button = el(
    "button",
    { type: "button", class: "event-row", on: { click: () => [player.pause(), player.seek(event.frame)] } },
    shape(shapeOf(event)), time, el("span", {}, kind, " ", detail),
  );
  const say = () => {
    setText(time, texts.position(event.t_s));
    setText(kind, kindWords(texts, event.kind));
    setText(detail, detailWords(texts, event));
    setAttribute(button, "title", eventTitle(texts, event));
  };
  say();
  return { event, item: el("li", {}, button, event.kind === "continued" ? earlierLink(app) : null), button, say };
}

/** Marks the last event before or at the frame. @param {any[]} rows @param {number} frame */
function showCurrent(rows, frame) {
  let current = null;
  for (const row of rows) if (row.event.frame <= frame && row.item.isConnected) current = row;
  for (const row of rows) {
    if ((row === current) === row.button.hasAttribute("aria-current")) continue;
    if (row === current) row.button.setAttribute("aria-current", "true");
    else row.button.removeAttribute("aria-current");
  }
}
