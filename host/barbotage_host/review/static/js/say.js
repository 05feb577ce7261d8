// Owns what the page says aloud: a polite live region that is also seen, for a while.

import { el, setText } from "./dom.js";

const SHOWN_MS = 5000;
const ERROR_SHOWN_MS = 12000;

/** A function that says words, as "info" or "error". @returns {(words: string, kind?: string) => void} */
export function makeSay() {
  const region = el("div", { class: "say", role: "status", "aria-live": "polite", id: "say" });
  document.body.append(region);
  let timer = 0;
  return (words, kind = "info") => {
    setText(region, words);
    region.dataset.kind = kind;
    region.classList.toggle("shown", words !== "");
    clearTimeout(timer);
    timer = setTimeout(() => region.classList.remove("shown"), kind === "error" ? ERROR_SHOWN_MS : SHOWN_MS);
  };
}
