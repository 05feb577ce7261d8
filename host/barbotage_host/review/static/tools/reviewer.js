// Owns who reviews: asked once, remembered, shown with the state of the document in every panel that changes it.

import { describe } from "../js/texts.js";
import { el, setAttribute, setText } from "../js/dom.js";
import { recall, remember } from "../js/storage.js";
import { ReviewStore } from "./store.js";

/** The names that the server takes: see checked_reviewer in reviews.py. */
const NAME = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N} ._-]{0,38}[\p{L}\p{M}\p{N}_-])?$/u;

/** @param {import("../js/player.js").App} app */
export async function attachReviewer(app) {
  const asker = makeAsker(app);
  const store = new ReviewStore(app.api, app.path, asker.ask);
  app.review = store;
  store.on("change", () => {
    app.reviewer = store.reviewer;
  });
  app.keys.add({ key: "Ctrl+z", text: "undo", group: "group-review", run: () => store.undo() });
  app.keys.add({ key: "Ctrl+y", text: "redo", group: "group-review", run: () => store.redo() });
  app.keys.add({ key: "Ctrl+Shift+z", text: "redo", group: "group-review", run: () => store.redo(), hidden: true });
  const remembered = recall("reviewer", "");
  if (NAME.test(remembered)) await store.use(remembered);
}

/** The dialog that asks for the name. @param {import("../js/player.js").App} app */
function makeAsker(app) {
  const input = el("input", { type: "text", id: "reviewer-name", maxlength: "40", autocomplete: "name", list: "reviewer-known", required: true });
  const known = el("datalist", { id: "reviewer-known" });
  const problem = el("p", { class: "problem", role: "alert" });
  const cancel = el("button", { type: "button", t: "cancel" });
  const form = el(
    "form", { method: "dialog", class: "reviewer-form" },
    el("h2", { id: "reviewer-heading", t: "reviewer-ask" }),
    el("p", { class: "soft", t: "reviewer-why" }),
    el("label", { for: "reviewer-name", t: "reviewer-name" }), input, known, problem,
    el("div", { class: "row" }, el("button", { type: "submit", class: "primary", t: "reviewer-use" }), cancel),
  );
  const dialog = el("dialog", { class: "reviewer", "aria-labelledby": "reviewer-heading" }, form);
  document.body.append(dialog);
  /** @type {((name: string | null) => void) | null} */
  let answer = null;
  const end = (/** @type {string | null} */ name) => {
    const told = answer;
    answer = null;
    dialog.close();
    told?.(name);
  };
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    const name = input.value.trim().normalize("NFC");
    if (!NAME.test(name)) {
      setText(problem, app.t("reviewer-bad"));
      return;
    }
    remember("reviewer", name);
    end(name);
  });
  cancel.addEventListener("click", () => end(null));
  dialog.addEventListener("cancel", () => end(null));
  const ask = async () => {
    if (answer) return null;
    const waiting = new Promise((/** @type {(name: string | null) => void} */ resolve) => {
      answer = resolve;
    });
    setText(problem, "");
    input.value = app.reviewer || recall("reviewer", "");
    dialog.showModal();
    input.select();
    const all = await app.api.json(`${app.path}/reviews`).catch(() => []);
    known.replaceChildren(...all.map((/** @type {any} */ one) => new Option(one.reviewer, one.reviewer)));
    return waiting;
  };
  return { ask };
}

/**
 * A row with the reviewer's name, the state of the document, undo and redo; one for each panel.
 * @param {import("../js/player.js").App} app @returns {HTMLElement}
 */
export function reviewerRow(app) {
  /** @type {ReviewStore} */
  const store = app.review;
  const name = el("strong");
  const state = el("span", { class: "chip", role: "status" });
  const change = el("button", { type: "button", class: "quiet", t: "reviewer-change" });
  const undo = el("button", { type: "button", t: "undo", on: { click: () => store.undo() } });
  const redo = el("button", { type: "button", t: "redo", on: { click: () => store.redo() } });
  const mine = el("button", { type: "button", t: "conflict-mine", on: { click: () => store.resolve("mine") } });
  const theirs = el("button", { type: "button", t: "conflict-theirs", on: { click: () => store.resolve("theirs") } });
  const again = el("button", { type: "button", t: "save-again", on: { click: () => store.save() } });
  const conflict = el("p", { class: "conflict", hidden: true }, el("span", { t: "conflict" }), mine, theirs);
  change.addEventListener("click", async () => {
    const chosen = await store.askName();
    if (chosen) await store.use(chosen);
  });
  const show = () => {
    setText(name, store.reviewer || app.t("reviewer-none"));
    describe(state, { t: `review-${store.state}` });
    setAttribute(state, "data-state", store.state);
    state.classList.toggle("good", store.state === "saved");
    state.classList.toggle("bad", ["failed", "conflict", "unreadable"].includes(store.state));
    describe(change, { t: store.reviewer ? "reviewer-change" : "reviewer-set" });
    state.hidden = store.state === "nobody";
    again.hidden = store.state !== "failed";
    conflict.hidden = store.state !== "conflict";
    undo.disabled = !store.canUndo;
    redo.disabled = !store.canRedo;
  };
  store.on("change", show);
  store.on("state", show);
  app.texts.on("change", show);
  show();
  const label = el("span", { class: "soft", t: "reviewer" });
  return el("div", { class: "reviewer-row" }, el("div", { class: "row" }, label, name, change, state, again, el("span", { class: "spacer" }), undo, redo), conflict);
}
