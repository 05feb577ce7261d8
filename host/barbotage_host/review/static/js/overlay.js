// Owns how deposits, bone, needle, tip and target look on a frame: the forms of the bedside screen, never colour alone.
//
// Weights are in CSS pixels times `px` (image pixels per CSS pixel), so lines stay thin at each zoom.

export const COLOURS = {
  target: "#ffe246",
  deposit: "#82d6ff",
  bone: "#eb6eff",
  shaft: "#3cc4ff",
  tip: "#8cff96",
  detection: "#ffb86b",
  halo: "rgba(0, 0, 0, 0.75)",
};
const TIP_RADIUS = 10;
const TIP_GAP = 5;
const TARGET_GAP = 4;
const TARGET_ARM = 9;

/**
 * @typedef {object} Style  how one source of marks looks beside another
 * @property {string} [colour]  one colour for all (to tell two sources apart, together with `dash`)
 * @property {number[]} [dash]  one dash for all lines
 */

/**
 * What the operator was shown: the accepted target solid, other deposits broken, the tip as an open ring, the way ahead dashed.
 * Nothing for guidance that was stale.
 * @param {CanvasRenderingContext2D} context @param {number} px @param {any} guidance  a /guidance record @param {Style} [style]
 */
export function drawGuidance(context, px, guidance, style = {}) {
  if (!guidance || guidance.stale) return;
  drawBone(context, px, guidance.bone_px, style);
  const target = guidance.target?.identity ?? null;
  for (const deposit of guidance.deposits ?? []) {
    drawDeposit(context, px, deposit.outline_px, deposit.identity === target, style);
  }
  if (guidance.target) drawTargetPoint(context, px, guidance.target.point_px, style);
  drawAim(context, px, guidance.aim, guidance.needle, style);
}

/**
 * What the model gave for the frame by itself, before tracking.
 * @param {CanvasRenderingContext2D} context @param {number} px @param {any} detections  a /detections record @param {Style} [style]
 */
export function drawDetections(context, px, detections, style = {}) {
  if (!detections) return;
  const own = { colour: COLOURS.detection, ...style };
  drawBone(context, px, detections.bone_px, own);
  for (const deposit of detections.deposits ?? []) drawDeposit(context, px, deposit.outline_px, false, own);
  const { needle, tip } = detections;
  if (needle) line(context, px, [needle.entry_px, needle.end_px], { width: 1.7, colour: own.colour, dash: own.dash ?? [14, 7] });
  if (tip) drawDiamond(context, px, tip.position_px, own.colour);
}

/**
 * A line with a dark halo through image points.
 * @param {CanvasRenderingContext2D} context @param {number} px @param {number[][]} points
 * @param {{width: number, colour: string, dash?: number[], closed?: boolean}} look
 */
export function line(context, px, points, { width, colour, dash = [], closed = false }) {
  if (points.length < 2) return;
  context.beginPath();
  points.forEach(([x, y], place) => (place ? context.lineTo(x, y) : context.moveTo(x, y)));
  if (closed) context.closePath();
  context.lineJoin = "round";
  context.setLineDash(dash.map((length) => length * px));
  context.lineWidth = (width + 1.6) * px;
  context.strokeStyle = COLOURS.halo;
  context.stroke();
  context.lineWidth = width * px;
  context.strokeStyle = colour;
  context.stroke();
  context.setLineDash([]);
}

/** @param {CanvasRenderingContext2D} context @param {number} px @param {number[][] | null} bone @param {Style} style */
function drawBone(context, px, bone, style) {
  if (!bone || bone.length < 2) return;
  context.lineCap = "round";
  line(context, px, bone, { width: 2.8, colour: style.colour ?? COLOURS.bone, dash: [0.1, 6] });
  context.lineCap = "butt";
}

/** @param {CanvasRenderingContext2D} context @param {number} px @param {number[][]} outline @param {boolean} accepted @param {Style} style */
function drawDeposit(context, px, outline, accepted, style) {
  const colour = style.colour ?? (accepted ? COLOURS.target : COLOURS.deposit);
  const dash = style.dash ?? (accepted ? [] : [7, 4]);
  line(context, px, outline, { width: accepted ? 1.8 : 1.3, colour, dash, closed: true });
}

/** Four arms from `free` to `reach` around a point. @param {number[]} centre @param {number[][]} arms @param {number} free @param {number} reach */
function cross([x, y], arms, free, reach) {
  return arms.map(([ax, ay]) => [
    [x + ax * free, y + ay * free],
    [x + ax * reach, y + ay * reach],
  ]);
}

const UPRIGHT = [[1, 0], [-1, 0], [0, 1], [0, -1]];
const DIAGONAL = [[0.707, 0.707], [-0.707, 0.707], [0.707, -0.707], [-0.707, -0.707]];

/** A diagonal cross with a free middle: another shape than the tip's upright one. @param {CanvasRenderingContext2D} context @param {number} px @param {number[]} point @param {Style} style */
function drawTargetPoint(context, px, point, style) {
  for (const arm of cross(point, DIAGONAL, TARGET_GAP * px, TARGET_ARM * px)) {
    line(context, px, arm, { width: 1.7, colour: style.colour ?? COLOURS.target });
  }
}

/**
 * The aim of a /guidance record; without a confirmed tip the shaft is broken and has no ring.
 * @param {CanvasRenderingContext2D} context @param {number} px @param {any} aim @param {any} needle @param {Style} style
 */
function drawAim(context, px, aim, needle, style) {
  if (!aim?.entry_px) return;
  const shaft = style.colour ?? COLOURS.shaft;
  if (aim.certainty !== "confirmed" || !aim.tip_px) {
    const end = aim.certainty === "unknown" ? null : (aim.predicted_end_px ?? alongAngle(aim, needle));
    if (end) line(context, px, [aim.entry_px, end], { width: 1.7, colour: shaft, dash: [14, 7] });
    return;
  }
  const tip = aim.tip_px;
  if (aim.predicted_end_px) {
    const ahead = beyond(tip, aim.predicted_end_px, (TIP_RADIUS + 2) * px);
    if (ahead) line(context, px, [ahead, aim.predicted_end_px], { width: 1.7, colour: style.colour ?? COLOURS.tip, dash: [7, 6] });
  }
  const begin = beyond(tip, aim.entry_px, TIP_RADIUS * px);
  if (begin) line(context, px, [begin, aim.entry_px], { width: 1.7, colour: shaft, dash: style.dash });
  drawTip(context, px, tip, style.colour ?? COLOURS.tip);
}

/** Where the shaft points, by its angle; far enough to leave the picture. @param {any} aim @param {any} needle @returns {number[] | null} */
function alongAngle(aim, needle) {
  const angle_deg = aim.angle_deg ?? needle?.angle_deg;
  if (angle_deg === null || angle_deg === undefined || !needle?.side) return null;
  const reach_px = 4096;
  const angle = (angle_deg * Math.PI) / 180;
  const sideways = needle.side === "right" ? -1 : 1;
  return [aim.entry_px[0] + sideways * reach_px * Math.cos(angle), aim.entry_px[1] + reach_px * Math.sin(angle)];
}

/** An open ring with four short ticks inwards; the tip's own pixels stay free. @param {CanvasRenderingContext2D} context @param {number} px @param {number[]} tip @param {string} colour */
function drawTip(context, px, tip, colour) {
  for (const [width, ink] of /** @type {[number, string][]} */ ([[3.4, COLOURS.halo], [1.8, colour]])) {
    context.beginPath();
    context.arc(tip[0], tip[1], TIP_RADIUS * px, 0, 2 * Math.PI);
    context.lineWidth = width * px;
    context.strokeStyle = ink;
    context.stroke();
  }
  for (const arm of cross(tip, UPRIGHT, TIP_GAP * px, TIP_RADIUS * px)) line(context, px, arm, { width: 1, colour });
}

/** @param {CanvasRenderingContext2D} context @param {number} px @param {number[]} point @param {string} colour */
function drawDiamond(context, px, [x, y], colour) {
  const reach = 7 * px;
  const corners = [[x, y - reach], [x + reach, y], [x, y + reach], [x - reach, y]];
  line(context, px, corners, { width: 1.6, colour, closed: true });
}

/** The point `skip` from `start` towards `end`; null when the end is nearer. @param {number[]} start @param {number[]} end @param {number} skip */
function beyond(start, end, skip) {
  const length = Math.hypot(end[0] - start[0], end[1] - start[1]);
  if (length <= skip) return null;
  const share = skip / length;
  return [start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share];
}
