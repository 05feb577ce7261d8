// Owns which tools the player page has, in the order of their tabs.

import { el } from "../js/dom.js";
import { attachCompare } from "./compare.js";
import { attachCorrect } from "./correct.js";
import { attachExport } from "./export.js";
import { attachMeasure } from "./measure.js";
import { attachReviewer } from "./reviewer.js";

/** @param {import("../js/player.js").App} _app */
function attachLook(_app) {
  document.head.append(el("link", { rel: "stylesheet", href: "/static/tools/tools.css" }));
}

/** The reviewer's store comes first: the others build on it. @type {((app: import("../js/player.js").App) => any)[]} */
export const tools = [attachLook, attachReviewer, attachMeasure, attachCorrect, attachCompare, attachExport];
