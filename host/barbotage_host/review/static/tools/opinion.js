// Owns what a frame shows according to one reviewer, for drawing: what was shown live, with verdicts and corrections applied.
// The rules are those of judged.py, which decides for exports and figures.

/** @typedef {import("./geometry.js").Point} Point */
/**
 * @typedef {object} Shown  what was drawn on a frame
 * @property {{identity: number, outline: Point[], centre: Point}[]} deposits
 * @property {boolean} needle  @property {[Point, Point] | null} shaft  @property {Point | null} tip
 */
/**
 * @typedef {object} Opinion
 * @property {Point[][]} deposits  @property {[Point, Point] | null} shaft  @property {Point | null} tip
 * @property {string[]} absent  what the reviewer says is not to be seen: "needle", "tip", "deposits"
 * @property {Map<string, string>} verdicts  per object
 */

/** @param {import("../js/overlays.js").Overlay | null | undefined} overlay @returns {Shown | null} null for a frame that was not processed live */
export function shownOn(overlay) {
  const guidance = overlay?.guidance;
  if (!guidance || guidance.stale) return null;
  const aim = guidance.aim ?? {};
  const tip = aim.certainty === "confirmed" ? (aim.tip_px ?? null) : null;
  const needle = ["confirmed", "shaft-only"].includes(aim.certainty) && Boolean(aim.entry_px);
  const line = overlay?.detections?.needle;
  const end = line ? line.end_px : tip;
  return {
    deposits: (guidance.deposits ?? []).map((/** @type {any} */ one) => ({ identity: one.identity, outline: one.outline_px, centre: one.centre_px })),
    needle,
    shaft: needle && end ? [line ? line.entry_px : aim.entry_px, end] : null,
    tip,
  };
}

/** The objects of a frame that can be judged: frame, needle, tip, deposit:<identity>. @param {Shown | null} shown @returns {string[]} */
export function objectsOf(shown) {
  if (!shown) return ["frame"];
  const deposits = shown.deposits.map((one) => `deposit:${one.identity}`);
  return ["frame", ...(shown.needle ? ["needle"] : []), ...(shown.tip ? ["tip"] : []), ...deposits];
}

/** @param {import("./store.js").Review} review @param {number} frame @param {Shown | null} shown @returns {Opinion} */
export function opinionOf(review, frame, shown) {
  const verdicts = new Map(review.verdicts.filter((one) => one.frame === frame).map((one) => [one.object, one.verdict]));
  const correction = review.corrections.find((one) => one.frame === frame);
  const whole = verdicts.get("frame");
  const holds = (/** @type {string} */ object) => (verdicts.get(object) ?? whole) === "accepted";
  const deposits = correction?.deposits
    ? correction.deposits.map((one) => /** @type {Point[]} */ (one.outline_px))
    : (shown?.deposits ?? []).filter((one) => holds(`deposit:${one.identity}`)).map((one) => one.outline);
  const corrected = correction?.shaft ? /** @type {[Point, Point]} */ ([correction.shaft.entry_px, correction.shaft.end_px]) : null;
  const shaft = corrected ?? (correction?.shaft_visible === false || !holds("needle") ? null : (shown?.shaft ?? null));
  const tip = /** @type {Point | null} */ (correction?.tip_px ?? (correction?.tip_visible === false || !holds("tip") ? null : (shown?.tip ?? null)));
  const absent = [
    ...(correction?.shaft_visible === false ? ["needle"] : []),
    ...(correction?.tip_visible === false ? ["tip"] : []),
    ...(correction?.deposits?.length === 0 ? ["deposits"] : []),
  ];
  return { deposits, shaft, tip, absent, verdicts };
}

/** Whether a review says anything of a frame. @param {import("./store.js").Review} review @returns {number[]} the frames, in order */
export function judgedFrames(review) {
  return [...new Set([...review.verdicts, ...review.corrections, ...review.notes].map((one) => one.frame))].sort((a, b) => a - b);
}
