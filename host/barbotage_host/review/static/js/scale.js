// Owns the scale bar: a round length in mm, or the statement that the scale is unknown.

import { byId, setText } from "./dom.js";

/** Lengths that the bar may have, in mm. */
const LENGTHS_MM = [0.5, 1, 2, 5, 10, 20, 50];
const WIDEST_PX = 140;

/** @param {import("./player.js").App} app */
export function attachScaleBar(app) {
  const { view, texts } = app;
  const bar = byId("scale-bar");
  const words = byId("scale-words");
  const show = () => {
    const scale = app.scaleAt(Math.max(0, view.frame));
    bar.hidden = !scale;
    if (!scale) {
      setText(words, app.t("scale-unknown"));
      return;
    }
    const css_px_per_mm = view.zoom / scale[0];
    const length_mm = LENGTHS_MM.filter((one) => one * css_px_per_mm <= WIDEST_PX).at(-1) ?? LENGTHS_MM[0];
    bar.style.width = `${length_mm * css_px_per_mm}px`;
    setText(words, texts.mm(length_mm, length_mm < 1 ? 1 : 0));
  };
  view.on("drawn", show);
  view.on("zoom", show);
  texts.on("change", show);
  show();
}
