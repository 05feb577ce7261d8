// Owns the panel that takes things out: a video of a range, the picture, the curves; and how to get the training set.

import { el, setAttribute, setText } from "../js/dom.js";
import { jobRow } from "./jobs.js";

/** @param {import("../js/player.js").App} app */
export function attachExport(app) {
  const panel = app.panel("export", "export");
  panel.append(videoPart(app), picturePart(app), curvesPart(app), labelsPart(app));
}

/** @param {import("../js/player.js").App} app */
function videoPart(app) {
  const { player } = app;
  const from = el("input", { type: "number", id: "video-from", min: "1", max: String(player.count), value: "1" });
  const to = el("input", { type: "number", id: "video-to", min: "1", max: String(player.count), value: String(player.count) });
  const withMarks = el("input", { type: "checkbox", id: "video-overlay", checked: true });
  const loop = el("button", { type: "button", t: "video-loop" });
  loop.addEventListener("click", () => {
    from.value = String(player.loop.from + 1);
    to.value = String(player.loop.to + 1);
  });
  const result = el("p", { role: "status" });
  const job = jobRow(app, {
    start: "video-start",
    label: "video",
    begin: () => {
      result.replaceChildren();
      const body = { kind: "video", from: Number(from.value) - 1, to: Number(to.value), overlay: withMarks.checked, language: app.texts.language };
      return app.api.send(`${app.path}/export`, "POST", body);
    },
    done: (made) => result.replaceChildren(el("a", { href: made.url, download: made.name }, made.name)),
  });
  const field = (/** @type {HTMLElement} */ input, /** @type {string} */ key) => el("span", { class: "field" }, el("label", { for: input.id, t: key }), input);
  return el(
    "section", { label: "video" }, el("h2", { t: "video" }),
    el("div", { class: "row" }, field(from, "video-from"), field(to, "video-to"), loop),
    el("label", { class: "check" }, withMarks, el("span", { t: "with-overlay" })), job, result,
  );
}

/** @param {import("../js/player.js").App} app */
function picturePart(app) {
  const links = [1, 0].map((overlay) => ({ overlay, link: el("a", { class: "download", download: true, t: overlay ? "picture-marked" : "picture-original" }) }));
  const show = () => {
    const frame = Math.max(0, app.player.frame);
    for (const { overlay, link } of links) {
      setAttribute(link, "href", `${app.path}/export/frame/${frame}.png?overlay=${overlay}&language=${app.texts.language}`);
    }
  };
  app.player.on("frame", show);
  app.texts.on("change", show);
  show();
  return el("section", { label: "picture-export" }, el("h2", { t: "picture-export" }), el("div", { class: "row" }, ...links.map(({ link }) => link)));
}

/** @param {import("../js/player.js").App} app */
function curvesPart(app) {
  const link = (/** @type {string} */ form, /** @type {string} */ key) => el("a", { class: "download", download: true, href: `${app.path}/export/series.${form}`, t: key });
  return el("section", { label: "curves-export" }, el("h2", { t: "curves-export" }), el("div", { class: "row" }, link("csv", "curves-csv"), link("jsonl", "curves-jsonl")));
}

/** @param {import("../js/player.js").App} app */
function labelsPart(app) {
  const command = el("code");
  const show = () => {
    const who = app.review.reviewer;
    setText(command, `barbotage export labels ${app.session.path ?? app.session.id} --out labels${who ? ` --reviewer "${who}"` : ""}`);
  };
  app.review.on("change", show);
  show();
  return el("section", { label: "labels-export" }, el("h2", { t: "labels-export" }), el("p", { class: "soft", t: "labels-why" }), el("pre", { tabindex: "0", label: "labels-command" }, command));
}
