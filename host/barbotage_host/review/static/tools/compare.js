// Owns the panel that compares: two reviewers on a frame, and what was recorded with what the present model gives.

import { el } from "../js/dom.js";
import { drawOpinion, drawVerdicts, LOOKS } from "./draw.js";
import { Handles } from "./handles.js";
import { opinionOf, shownOn } from "./opinion.js";
import { Panes } from "./panes.js";
import { rerunPart } from "./rerun.js";

const LAYER_ORDER = 25;
const SIDES = /** @type {const} */ (["first", "second"]);

/** @param {import("../js/player.js").App} app */
export function attachCompare(app) {
  const panel = app.panel("compare", "compare");
  const panes = new Panes(app);
  const tool = new CompareReviewers(app, panes);
  const rerun = rerunPart(app, panes, () => tool.setMode("off"));
  tool.others = rerun.leave;
  panel.append(tool.element, rerun.element);
  panel.addEventListener("shown", () => {
    Handles.keepOnly(null);
    tool.refresh();
  });
  app.review.on("stored", () => tool.refresh());
  // Measuring and correcting need the one large picture.
  for (const id of ["measure", "correct"]) {
    document.getElementById(`panel-${id}`)?.addEventListener("shown", () => {
      if (panes.shown) [tool.setMode("off"), rerun.leave()];
    });
  }
}

class CompareReviewers {
  /** Documents of all reviewers. @type {any[]} */
  reviews = [];
  /** @type {any} */
  agreement = null;
  mode = "off";
  /** Ends the other comparison. */
  others = () => {};
  #order = 0;

  /** @param {import("../js/player.js").App} app @param {Panes} panes */
  constructor(app, panes) {
    this.app = app;
    this.panes = panes;
    this.selects = Object.fromEntries(SIDES.map((side) => [side, el("select", { id: `compare-${side}`, on: { change: () => this.#chosen() } })]));
    this.modes = el("select", { id: "compare-mode", on: { change: () => this.setMode(this.modes.value) } });
    for (const mode of ["off", "overlaid", "side-by-side"]) this.modes.append(el("option", { value: mode, t: `compare-${mode}` }));
    this.summary = el("p", { role: "status" });
    this.body = el("tbody");
    const heads = ["frame", "agreement", "tip-distance", "shaft-offset", "outline-dice"];
    this.table = el(
      "table", { class: "agreement" }, el("caption", { t: "agreement-table" }),
      el("thead", {}, el("tr", {}, ...heads.map((key) => el("th", { scope: "col", t: key })))), this.body,
    );
    this.few = el("p", { class: "notice", t: "compare-few" });
    this.controls = el(
      "div", { class: "fields" },
      ...SIDES.map((side) => el("span", { class: "field" }, el("label", { for: `compare-${side}`, t: `reviewer-${side}` }), this.selects[side])),
      el("span", { class: "field" }, el("label", { for: "compare-mode", t: "compare-mode" }), this.modes),
    );
    this.scroll = el("div", { class: "scroll", tabindex: "0", role: "region", label: "agreement-table" }, this.table);
    this.element = el("section", { label: "compare-reviewers" }, el("h2", { t: "compare-reviewers" }), this.few, this.controls, this.summary, this.scroll);
    app.texts.on("change", () => this.show());
    app.overlays.on("arrived", () => this.#draw());
    app.player.on("frame", () => this.#draw());
    this.show();
  }

  /** Reads who has reviewed. */
  async refresh() {
    const all = await this.app.api.json(`${this.app.path}/reviews`).catch(() => []);
    this.reviews = all.filter((/** @type {any} */ one) => !one.problem);
    const names = this.reviews.map((one) => one.reviewer);
    SIDES.forEach((side, place) => {
      const select = this.selects[side];
      const before = select.value;
      select.replaceChildren(...names.map((name) => new Option(name, name)));
      select.value = names.includes(before) ? before : (names[place] ?? "");
    });
    await this.#chosen();
  }

  async #chosen() {
    const mine = ++this.#order;
    const [first, second] = SIDES.map((side) => this.selects[side].value);
    this.agreement = null;
    if (first && second && first !== second) {
      const query = new URLSearchParams({ first, second });
      const found = await this.app.api.json(`${this.app.path}/agreement?${query}`).catch(() => null);
      if (mine !== this.#order) return;
      this.agreement = found;
    }
    this.show();
    this.setMode(this.agreement ? this.mode : "off");
  }

  /** @param {string} mode "off", "overlaid" or "side-by-side" */
  setMode(mode) {
    if (mode !== "off") this.others();
    this.mode = mode;
    this.modes.value = mode;
    this.app.view.removeLayer("compare");
    this.panes.hide();
    if (mode === "overlaid") this.app.view.addLayer("compare", (context, frame, overlay) => this.#overlaid(context, frame, overlay), LAYER_ORDER);
    if (mode === "side-by-side") this.#draw();
  }

  #draw() {
    if (this.mode !== "side-by-side") return;
    const { frame } = this.app.view;
    const shown = shownOn(this.app.overlays.peek(frame));
    const marks = SIDES.map((side) => (/** @type {CanvasRenderingContext2D} */ context, /** @type {number} */ px) => this.#opinion(context, px, frame, shown, side, true));
    this.panes.show(/** @type {[string, string]} */ (SIDES.map((side) => this.selects[side].value)), /** @type {any} */ (marks));
  }

  /** @param {CanvasRenderingContext2D} context @param {number} frame @param {any} overlay */
  #overlaid(context, frame, overlay) {
    for (const side of SIDES) this.#opinion(context, this.app.view.px, frame, shownOn(overlay), side, false);
  }

  /** @param {CanvasRenderingContext2D} context @param {number} px @param {number} frame @param {any} shown @param {"first" | "second"} side @param {boolean} verdicts */
  #opinion(context, px, frame, shown, side, verdicts) {
    const review = this.reviews.find((one) => one.reviewer === this.selects[side].value);
    if (!review) return;
    const opinion = opinionOf(review, frame, shown);
    drawOpinion(context, px, opinion, LOOKS[side]);
    if (verdicts) drawVerdicts(context, px, shown, opinion.verdicts);
  }

  show() {
    const { app } = this;
    const rows = this.agreement?.frames ?? [];
    const { summary } = this.agreement ?? {};
    this.few.hidden = this.reviews.length > 1;
    this.controls.hidden = this.reviews.length < 2;
    this.scroll.hidden = rows.length === 0;
    const counts = summary && { both: app.number(summary.both, 0), equal: app.number(summary.equal, 0), first: app.number(summary.only_first, 0), second: app.number(summary.only_second, 0) };
    this.summary.textContent = counts ? app.t("agreement-summary", counts) : "";
    this.body.replaceChildren(...rows.map((/** @type {any} */ row) => this.#row(row)));
  }

  /** @param {any} row */
  #row(row) {
    const { app } = this;
    const differs = row.differs.map((/** @type {string} */ one) => app.t(`part-${one}`));
    const words = differs.length ? `≠ ${differs.join(", ")}` : `= ${app.t("agree")}`;
    const go = () => [app.player.pause(), app.player.seek(row.frame)];
    const cells = [[row.tip_distance_mm, 1], [row.shaft_offset_mm, 1], [row.deposits_dice, 2]];
    return el(
      "tr", { class: differs.length ? "differs" : "" },
      el("th", { scope: "row" }, el("button", { type: "button", class: "quiet", on: { click: go } }, app.number(row.frame + 1, 0))),
      el("td", {}, words), ...cells.map(([value, decimals]) => el("td", { class: "number" }, app.number(value, decimals ?? 1))),
    );
  }
}
