// Owns the list of events: what happened, when, by whom; each row leads to its frame.

import { el, setText } from "./dom.js";
import { shape, shapeOf } from "./marks.js";
import { detailWords, kindWords } from "./words.js";

/** @type {Record<string, (event: any) => boolean>} */
const FILTERS = {
  "events-main": (event) => event.kind !== "prompt" || event.value?.shown === true,
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
  const show = () => {
    const chosen = rows.filter((/** @type {any} */ row) => FILTERS[select.value](row.event));
    list.replaceChildren(...chosen.map((/** @type {any} */ row) => row.item));
    none.hidden = chosen.length > 0;
  };
  for (const key of Object.keys(FILTERS)) select.append(el("option", { value: key, t: key }));
  select.addEventListener("change", show);
  panel.append(el("div", { class: "field" }, el("label", { for: "events-filter", t: "events-filter" }), select), list, none);
  app.texts.on("change", () => rows.forEach((/** @type {any} */ row) => row.say()));
  player.on("axis", () => rows.forEach((/** @type {any} */ row) => row.say()));
  player.on("frame", (frame) => showCurrent(rows, frame));
  show();
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
    shape(shapeOf(event)), time, kind, detail,
  );
  const say = () => {
    setText(time, texts.position(event.t_s));
    setText(kind, kindWords(texts, event.kind));
    setText(detail, detailWords(texts, event));
  };
  say();
  return { event, item: el("li", {}, button), button, say };
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
