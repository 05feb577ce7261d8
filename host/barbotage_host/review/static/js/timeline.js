// Owns the timeline under the seek bar: phases as a band, prompts, events and review marks as shapes, the loop range.
//
// It is for the pointer and hidden from assistive technology: the list of events says the same and is reached by keyboard.

import { byId, el } from "./dom.js";
import { eventWords, transitionWords } from "./event_words.js";
import { isFolded } from "./folding.js";
import { shape, shapeOf } from "./marks.js";
import { phaseWords, promptWords } from "./words.js";

/** Narrower than this share of the width a phase has no room for its name. */
const NAMED_FROM = 0.04;

/** @param {import("./player.js").App} app */
export function attachTimeline(app) {
  const { player } = app;
  const last = Math.max(1, player.count - 1);
  const rows = {
    loop: el("div", { class: "loop-range", hidden: true }),
    phases: el("div", { class: "row phases" }),
    prompts: el("div", { class: "row prompts" }),
    events: el("div", { class: "row events" }),
    review: el("div", { class: "row review" }),
    head: el("div", { class: "playhead" }),
  };
  const timeline = byId("timeline");
  timeline.append(...Object.values(rows));
  const place = (/** @type {HTMLElement} */ element, /** @type {number} */ frame) => {
    element.style.left = `${(frame / last) * 100}%`;
    return element;
  };
  /** @type {Map<string, number[]>} */
  const marks = new Map();
  const fill = () => fillRows(app, rows, place, last);
  const showMarks = () => {
    const frames = [...new Set([...marks.values()].flat())];
    rows.review.replaceChildren(...frames.map((frame) => place(mark(app, "review", app.t("review-mark"), frame), frame)));
  };
  app.setMarks = (name, frames) => {
    marks.set(name, frames);
    showMarks();
  };
  app.texts.on("change", () => {
    fill();
    showMarks();
  });
  player.on("target", (frame) => place(rows.head, frame));
  player.on("loop", (loop) => showLoop(rows.loop, loop, last));
  dragToSeek(timeline, (share) => player.seek(share * last));
  fill();
  place(rows.head, player.target);
}

/** @param {import("./player.js").App} app @param {Record<string, HTMLElement>} rows @param {(element: HTMLElement, frame: number) => HTMLElement} place @param {number} last */
function fillRows(app, rows, place, last) {
  const { session, texts } = app;
  rows.phases.replaceChildren(
    ...session.phases.map((/** @type {any} */ one) => {
      const share = (one.to_frame - one.from_frame) / last;
      const words = phaseWords(texts, one.phase);
      const band = el("span", { class: "phase", title: bandTitle(texts, one), data: { phase: one.phase } }, share >= NAMED_FROM ? words : "");
      band.style.width = `${Math.max(0, share) * 100}%`;
      return place(band, one.from_frame);
    }),
  );
  rows.prompts.replaceChildren(
    ...session.prompts.map((/** @type {any} */ one) => {
      const name = one.shown ? "prompt-shown" : "prompt-suppressed";
      return place(mark(app, name, `${promptWords(texts, one.kind)} (${texts.t(name)})`, one.frame), one.frame);
    }),
  );
  const others = session.events.filter((/** @type {any} */ one) => !["prompt", "phase"].includes(one.kind) && !isFolded(one));
  rows.events.replaceChildren(
    ...others.map((/** @type {any} */ one) => place(mark(app, shapeOf(one), eventWords(texts, one), one.frame), one.frame)),
  );
}

/** A state, how long it lasted, and what led into it. @param {import("./texts.js").Texts} texts @param {any} stay */
function bandTitle(texts, stay) {
  const before = stay.from && stay.trigger ? `${phaseWords(texts, stay.from)} → ` : "";
  return [`${before}${phaseWords(texts, stay.phase)}`, texts.brief(stay.duration_s), transitionWords(texts, stay)].filter(Boolean).join(" · ");
}

/** @param {import("./player.js").App} app @param {string} name @param {string} words @param {number} frame */
function mark(app, name, words, frame) {
  const title = `${words} · ${app.texts.position(app.player.timeOf(frame))}`;
  const press = (/** @type {PointerEvent} */ event) => {
    event.stopPropagation();
    app.player.seek(frame);
  };
  return el("span", { class: "event-mark", title, on: { pointerdown: press } }, shape(name));
}

/** @param {HTMLElement} element @param {{from: number, to: number, on: boolean}} loop @param {number} last */
function showLoop(element, loop, last) {
  element.hidden = !loop.on;
  element.style.left = `${(loop.from / last) * 100}%`;
  element.style.width = `${((loop.to - loop.from) / last) * 100}%`;
}

/** Calls `seek` with the share of the width while the pointer is down. @param {HTMLElement} element @param {(share: number) => void} seek */
export function dragToSeek(element, seek) {
  const tell = (/** @type {PointerEvent} */ event) => {
    const box = element.getBoundingClientRect();
    seek(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)));
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    tell(event);
  });
  element.addEventListener("pointermove", (event) => {
    if (element.hasPointerCapture(event.pointerId)) tell(event);
  });
}
