// Owns how a reviewer's opinion looks on a frame: forms of its own, so that two reviewers and the device are told apart without colour.

import { COLOURS, line } from "../js/overlay.js";

/** @typedef {import("./geometry.js").Point} Point */
/**
 * @typedef {object} Look
 * @property {string} colour @property {number[]} [dash] @property {"round" | "square"} ends  form of the tip and of the ends
 */

/** @type {Record<string, Look>} */
export const LOOKS = {
  own: { colour: "#b9f442", ends: "square" },
  first: { colour: "#5cc4ff", ends: "round" },
  second: { colour: "#ffb000", dash: [8, 5], ends: "square" },
};

/** @param {CanvasRenderingContext2D} context @param {number} px @param {import("./opinion.js").Opinion} opinion @param {Look} look */
export function drawOpinion(context, px, opinion, look) {
  const style = { width: 1.8, colour: look.colour, dash: look.dash };
  for (const outline of opinion.deposits) line(context, px, outline, { ...style, closed: true });
  if (opinion.shaft) {
    line(context, px, opinion.shaft, style);
    for (const point of opinion.shaft) drawEnd(context, px, point, look, 4);
  }
  if (opinion.tip) drawEnd(context, px, opinion.tip, look, 8);
}

/** A small tick or cross beside each object that was accepted or rejected. @param {CanvasRenderingContext2D} context @param {number} px @param {import("./opinion.js").Shown | null} shown @param {Map<string, string>} verdicts */
export function drawVerdicts(context, px, shown, verdicts) {
  /** @type {Record<string, Point | null | undefined>} */
  const places = { needle: shown?.shaft?.[0] && shown.shaft[1] ? half(shown.shaft) : null, tip: shown?.tip };
  for (const one of shown?.deposits ?? []) places[`deposit:${one.identity}`] = one.centre;
  for (const [object, verdict] of verdicts) {
    const at = places[object];
    if (!at) continue;
    const [x, y] = [at[0] + 14 * px, at[1] - 14 * px];
    const reach = 6 * px;
    const pieces = verdict === "accepted"
      ? [[[x - reach, y], [x - reach / 3, y + reach * 0.7], [x + reach, y - reach * 0.8]]]
      : [[[x - reach, y - reach], [x + reach, y + reach]], [[x - reach, y + reach], [x + reach, y - reach]]];
    for (const piece of pieces) line(context, px, piece, { width: 2.4, colour: verdict === "accepted" ? "#7fdc95" : "#ff8a80" });
  }
}

/** @param {[Point, Point]} ends @returns {Point} */
function half([start, end]) {
  return [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2];
}

/** @param {CanvasRenderingContext2D} context @param {number} px @param {Point} point @param {Look} look @param {number} reach */
function drawEnd(context, px, [x, y], look, reach) {
  const size = reach * px;
  for (const [width, ink] of /** @type {[number, string][]} */ ([[3.4, COLOURS.halo], [1.8, look.colour]])) {
    context.beginPath();
    if (look.ends === "round") context.arc(x, y, size, 0, 2 * Math.PI);
    else context.rect(x - size, y - size, 2 * size, 2 * size);
    context.lineWidth = width * px;
    context.strokeStyle = ink;
    context.stroke();
  }
}
