// Owns the table of before and after: each plane and each source on its own row, as the server reckons them.

import { el, setText } from "../js/dom.js";
import { changeWords, figureWords } from "./words.js";

/** @param {import("../js/player.js").App} app @returns {HTMLElement} */
export function measureTable(app) {
  const body = el("tbody");
  const heads = ["source", "when-before", "when-after", "change"];
  const table = el(
    "table", { class: "before-after" }, el("caption", { t: "before-after" }),
    el("thead", {}, el("tr", {}, ...heads.map((key) => el("th", { scope: "col", t: key })))), body,
  );
  const acute = el("p", { class: "notice", t: "measure-acute", hidden: true });
  const modality = el("p", { class: "soft", t: "measure-modality" });
  const whole = el("section", { class: "before-after-part", hidden: true }, el("div", { class: "scroll", tabindex: "0", role: "region", label: "before-after" }, table), acute, modality);
  /** @type {any} */
  let answer = null;
  let order = 0;
  const show = () => {
    const rows = answer?.rows ?? [];
    whole.hidden = rows.length === 0;
    acute.hidden = !rows.some((/** @type {any} */ row) => row.acute);
    body.replaceChildren(...rows.map((/** @type {any} */ row) => rowOf(app, row)));
  };
  const load = async () => {
    const mine = ++order;
    const who = app.review.reviewer;
    const query = who ? `?reviewer=${encodeURIComponent(who)}` : "";
    const found = await app.api.json(`${app.path}/measures${query}`).catch(() => null);
    if (mine !== order) return;
    answer = found && !who ? { ...found, rows: found.rows.filter((/** @type {any} */ row) => row.source === "device") } : found;
    show();
  };
  app.review.on("stored", load);
  app.review.on("state", (/** @type {string} */ state) => {
    if (state === "saved" || state === "unreadable") load();
  });
  app.texts.on("change", show);
  load();
  return whole;
}

/** @param {import("../js/player.js").App} app @param {any} row */
function rowOf(app, row) {
  const source = row.source === "device" ? app.t("source-device") : row.reviewer;
  const cells = [row.before, row.after].map((side) => sideCell(app, side));
  return el(
    "tr", {}, el("th", { scope: "row" }, source, el("span", { class: "sub" }, row.plane ? app.t(`plane-${row.plane}`) : app.t("plane-unknown"))), ...cells,
    el("td", {}, changeWords(app, row.change)),
  );
}

/** @param {import("../js/player.js").App} app @param {any} side */
function sideCell(app, side) {
  const cell = el("td");
  if (!side) {
    setText(cell, "–");
  } else if (!side.visible) {
    setText(cell, app.t("measure-absent"));
  } else if (!side.longest_mm) {
    setText(cell, app.t("scale-unknown"));
  } else {
    const across = side.perpendicular_mm ? figureWords(app, side.perpendicular_mm, "mm") : null;
    const area = side.area_mm2 ? figureWords(app, side.area_mm2, "mm²") : null;
    const readings = side.readings.length > 1 ? app.t("readings-two") : null;
    cell.append(figureWords(app, side.longest_mm, "mm"), ...[across && `× ${across}`, area, readings].filter(Boolean).map((words) => el("span", { class: "sub" }, words)));
  }
  return cell;
}
