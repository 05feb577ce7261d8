// Owns the switch between dark and light, and the switch of the language.

import { byId } from "./dom.js";
import { remember } from "./storage.js";
import { LANGUAGES } from "./texts.js";

/** "dark" or "light", as shown now. */
export function themeNow() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "dark" || chosen === "light") return chosen;
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

/**
 * Wires the header's theme button and language selector.
 * @param {import("./texts.js").Texts} texts
 * @param {() => void} [repaint]  called when colours changed
 */
export function wirePreferences(texts, repaint = () => {}) {
  const button = byId("theme");
  const show = () => button.setAttribute("aria-pressed", String(themeNow() === "light"));
  button.addEventListener("click", () => {
    const theme = themeNow() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    remember("theme", theme);
    show();
    repaint();
  });
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => {
    show();
    repaint();
  });
  show();
  const selector = byId("language");
  for (const language of LANGUAGES) {
    const name = new Intl.DisplayNames([language], { type: "language" }).of(language) ?? language;
    selector.append(new Option(name[0].toUpperCase() + name.slice(1), language, false, language === texts.language));
  }
  selector.addEventListener("change", () => texts.choose(selector.value));
}
