// Owns how figures with an uncertainty and changes are said in words.

/** "10.8 ± 0.1 mm", or "–". @param {import("../js/player.js").App} app @param {{value: number, uncertainty: number} | null | undefined} figure @param {string} unit */
export function figureWords(app, figure, unit) {
  if (!figure) return "–";
  const decimals = figure.uncertainty < 0.095 ? 2 : 1;
  return `${app.number(figure.value, decimals)}\u202f±\u202f${app.number(Math.max(figure.uncertainty, 0.01), decimals)}\u202f${unit}`;
}

/** A change in per cent with its category. @param {import("../js/player.js").App} app @param {any} change */
export function changeWords(app, change) {
  if (!change) return "–";
  if (change.category === "not-visible") return app.t("change-not-visible");
  const decimals = change.uncertainty_percent < 1.5 ? 1 : 0;
  const sign = change.longest_percent > 0 ? "+" : "";
  const percent = `${sign}${app.number(change.longest_percent, decimals)}\u202f±\u202f${app.number(change.uncertainty_percent, decimals)}\u202f%`;
  return `${percent} · ${app.t(change.distinguishable ? `change-${change.category}` : "change-not-distinguishable")}`;
}

/** The name of an object that can be judged. @param {import("../js/player.js").App} app @param {string} object */
export function objectWords(app, object) {
  const [name, identity] = object.split(":");
  return app.t(`object-${name}`, { n: identity ?? "" });
}
