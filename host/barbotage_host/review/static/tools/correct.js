// Owns the panel in which a reviewer judges a frame: accept, reject, correct, note.

import { el, setAttribute } from "../js/dom.js";
import { CorrectionEditor } from "./correction_editor.js";
import { drawOpinion, drawVerdicts, LOOKS } from "./draw.js";
import { judgedFrames, objectsOf, opinionOf, shownOn } from "./opinion.js";
import { reviewerRow } from "./reviewer.js";
import { objectWords } from "./words.js";

const LAYER_ORDER = 20;

/** @param {import("../js/player.js").App} app */
export function attachCorrect(app) {
  const tool = new CorrectTool(app);
  const group = "group-review";
  app.keys.add({ key: "a", text: "accept", group, run: () => tool.judge("accepted") });
  app.keys.add({ key: "r", text: "reject", group, run: () => tool.judge("rejected") });
  app.keys.add({ key: "t", text: "next-object", group, run: () => tool.next(1) });
  app.keys.add({ key: "Shift+t", text: "previous-object", group, run: () => tool.next(-1) });
  app.keys.add({ key: "e", text: "correct-object", group, run: () => tool.editor.correct(tool.object) });
  app.keys.add({ key: "x", text: "absent-object", group, run: () => tool.editor.absent(tool.object) });
}

class CorrectTool {
  /** The object that the keys judge. */
  object = "frame";
  frame = -1;
  /** @type {import("./opinion.js").Shown | null} */
  shown = null;

  /** @param {import("../js/player.js").App} app */
  constructor(app) {
    this.app = app;
    this.panel = app.panel("correct", "correct");
    this.objects = el("ul", { class: "objects", label: "objects" });
    this.notProcessed = el("p", { class: "notice", t: "correct-not-processed", hidden: true });
    this.note = el("textarea", { id: "review-note", rows: "2", maxlength: "4000" });
    this.list = el("ul", { class: "judged" });
    this.none = el("p", { class: "soft", t: "judged-none" });
    this.editor = new CorrectionEditor(app, this);
    this.panel.append(
      reviewerRow(app), el("h2", { t: "this-frame" }), this.notProcessed, this.objects, this.editor.element,
      el("div", { class: "note" }, el("label", { for: "review-note", t: "note" }), this.note),
      el("h2", { t: "judged" }), this.list, this.none,
    );
    this.note.addEventListener("change", () => this.#storeNote());
    app.view.addLayer("review", (context, frame) => this.#draw(context, frame), LAYER_ORDER);
    this.panel.addEventListener("shown", () => this.editor.shown());
    app.player.on("frame", () => this.#frameShown());
    app.player.on("state", () => this.#frameShown());
    app.review.on("change", () => this.show());
    app.texts.on("change", () => this.show());
    this.#frameShown();
  }

  /** Sets, or with the same verdict again takes back, the judgement of the chosen object. @param {string} verdict @param {string} [object] */
  async judge(verdict, object = this.object) {
    await this.#ready();
    if (!objectsOf(this.shown).includes(object)) return;
    const { frame } = this;
    const done = await this.app.review.change((/** @type {import("./store.js").Review} */ document) => {
      const before = document.verdicts.find((one) => one.frame === frame && one.object === object);
      document.verdicts = document.verdicts.filter((one) => one !== before);
      if (before?.verdict !== verdict) document.verdicts.push({ frame, object, verdict });
    });
    if (!done) return;
    const now = opinionOf(this.app.review.get(), frame, this.shown).verdicts.get(object);
    this.app.say(this.app.t(`said-${now ?? "nothing"}`, { object: objectWords(this.app, object), frame: this.app.number(frame + 1, 0) }));
  }

  /** Chooses the next object of the frame. @param {number} step */
  async next(step) {
    await this.#ready();
    const all = objectsOf(this.shown);
    this.choose(all[(all.indexOf(this.object) + step + all.length) % all.length]);
    this.app.say(objectWords(this.app, this.object));
  }

  /** @param {string} object */
  choose(object) {
    this.object = object;
    this.show();
  }

  /** Opens the panel on the frame that is seen, with what is known of it. */
  async #ready() {
    this.app.panels.show("correct");
    this.app.player.pause();
    await this.load();
  }

  /** Reads what was shown on the frame on the screen. */
  async load() {
    const { frame } = this.app.player;
    if (frame < 0 || frame === this.frame) return;
    const overlay = await recordedOverlay(this.app, frame);
    if (frame !== this.app.player.frame) return;
    this.frame = frame;
    this.shown = shownOn(overlay);
    if (!objectsOf(this.shown).includes(this.object)) this.object = "frame";
    this.show();
  }

  #frameShown() {
    if (this.frame >= 0 && this.frame !== this.app.player.frame) {
      this.#storeNote();
      this.editor.leave();
      this.frame = -1;
      this.shown = null;
      this.show();
    }
    if (!this.app.player.playing) this.load().catch(() => {});
  }

  async #storeNote() {
    const { frame } = this;
    const text = this.note.value.trim();
    const before = this.app.review.get().notes.find((/** @type {any} */ one) => one.frame === frame)?.text ?? "";
    if (frame < 0 || text === before) return;
    await this.app.review.change((/** @type {import("./store.js").Review} */ document) => {
      document.notes = document.notes.filter((one) => one.frame !== frame);
      if (text) document.notes.push({ frame, text });
    });
  }

  /** Shows the document and the frame as they are. */
  show() {
    const review = this.app.review.get();
    const opinion = opinionOf(review, this.frame, this.shown);
    this.objects.replaceChildren(...objectsOf(this.shown).map((object) => this.#row(object, opinion)));
    this.notProcessed.hidden = this.frame < 0 || this.shown !== null;
    if (document.activeElement !== this.note) {
      this.note.value = review.notes.find((/** @type {any} */ one) => one.frame === this.frame)?.text ?? "";
    }
    this.editor.show();
    const frames = judgedFrames(review);
    this.list.replaceChildren(...frames.map((frame) => this.#judgedRow(review, frame)));
    this.none.hidden = frames.length > 0;
    this.app.setMarks?.("review", frames);
    this.app.view.redraw();
  }

  /** @param {string} object @param {import("./opinion.js").Opinion} opinion */
  #row(object, opinion) {
    const name = objectWords(this.app, object);
    const chosen = object === this.object;
    const button = (/** @type {string} */ verdict, /** @type {string} */ key) =>
      el("button", {
        type: "button", "aria-pressed": String(opinion.verdicts.get(object) === verdict), t: key, label: `${key}-named`, values: { object: name },
        class: `verdict ${verdict}`, on: { click: () => this.#press(object, verdict, key) }, data: { verdict: key },
      });
    const select = el("button", { type: "button", class: "quiet", "aria-pressed": String(chosen), on: { click: () => this.choose(object) } }, name);
    return el("li", { class: chosen ? "chosen" : "", data: { object } }, select, el("span", { class: "spacer" }), button("accepted", "accept"), button("rejected", "reject"));
  }

  /** The row is made anew by the change, so the focus has to find the new button. @param {string} object @param {string} verdict @param {string} key */
  async #press(object, verdict, key) {
    this.object = object;
    await this.judge(verdict, object);
    const row = [...this.objects.children].find((one) => one.dataset.object === object);
    row?.querySelector(`[data-verdict="${key}"]`)?.focus();
  }

  /** @param {import("./store.js").Review} review @param {number} frame */
  #judgedRow(review, frame) {
    const { app } = this;
    const parts = [
      ...review.verdicts.filter((one) => one.frame === frame).map((one) => app.t("judged-part", { object: objectWords(app, one.object), verdict: app.t(`verdict-${one.verdict}`) })),
      ...(review.corrections.some((one) => one.frame === frame) ? [app.t("verdict-corrected")] : []),
      ...review.notes.filter((one) => one.frame === frame).map((one) => app.t("quoted", { text: one.text })),
    ];
    const go = () => [app.player.pause(), app.player.seek(frame)];
    const button = el("button", { type: "button", class: "quiet", on: { click: go } }, app.t("frame-n", { frame: app.number(frame + 1, 0) }));
    if (frame === app.player.frame) setAttribute(button, "aria-current", "true");
    return el("li", {}, button, el("span", { class: "soft" }, parts.join(" · ")));
  }

  /** @param {CanvasRenderingContext2D} context @param {number} frame */
  #draw(context, frame) {
    if (frame !== this.frame) return;
    const opinion = opinionOf(this.app.review.get(), frame, this.shown);
    drawVerdicts(context, this.app.view.px, this.shown, opinion.verdicts);
    drawOpinion(context, this.app.view.px, this.editor.corrected(opinion), LOOKS.own);
  }
}

/** What was shown live, also while the re-run is on the screen. @param {import("../js/player.js").App} app @param {number} frame */
async function recordedOverlay(app, frame) {
  if (app.overlays.source === "recorded") return app.overlay(frame);
  const [row] = await app.api.json(`${app.path}/overlay?from=${frame}&count=1`);
  return row;
}
