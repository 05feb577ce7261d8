// Owns the making of elements. Words are given as text keys, so that a change of language reaches every element.

import { describe } from "./texts.js";

/**
 * @typedef {object} Words  words of an element, each a text key
 * @property {string} [t]      its text
 * @property {string} [label]  its accessible name
 * @property {string} [hint]   its tooltip
 * @property {Record<string, any>} [values]  for the `{names}` of these words
 */

/**
 * A new element.
 * @param {string} tag
 * @param {Words & {class?: string, on?: Record<string, (event: any) => void>, data?: Record<string, string>, [attribute: string]: any}} [props]
 *   `class`, `on` (listeners), `data`; any other name is an attribute: true sets it empty, null/undefined/false leave it out
 * @param {...(Node | string | number | null | undefined)} children
 * @returns {any} typed loosely: the caller knows which element it asked for
 */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  const { t, label, hint, values, on, data, class: classes, ...attributes } = props;
  if (classes) element.className = classes;
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const [name, value] of Object.entries(data ?? {})) element.dataset[name] = value;
  for (const [name, listener] of Object.entries(on ?? {})) element.addEventListener(name, listener);
  for (const child of children) {
    if (child === null || child === undefined) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  if (t || label || hint) describe(element, { t, label, hint, values });
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * A new SVG element.
 * @param {string} tag @param {Record<string, any>} [attributes] @param {...Node} children
 * @returns {any}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/** The element with this id. Throws when the page lacks it. @param {string} id @returns {any} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element #${id}`);
  return element;
}

/** Sets text only when it differs: an untouched text node costs no layout. @param {Element} element @param {string} words */
export function setText(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/** Sets an attribute only when it differs. @param {Element} element @param {string} name @param {string} value */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

const ICONS = {
  play: "M6 4.5v15l13-7.5z",
  pause: "M6 4.5h4v15H6zM14 4.5h4v15h-4z",
  back: "M15.5 5 8 12l7.5 7M6 5v14",
  forward: "M8.5 5 16 12l-7.5 7M18 5v14",
  previous: "M15 5 8 12l7 7",
  next: "M9 5l7 7-7 7",
  warn: "M12 4 3 20h18zM12 10v5M12 17.2v.6",
  loop: "M5 11a5 5 0 0 1 5-5h9M16 3l3 3-3 3M19 13a5 5 0 0 1-5 5H5M8 21l-3-3 3-3",
  overlay: "M3 15c4-1 6-7 9-7s4 5 9 5M8 12a4 2.6 0 1 0 8 0 4 2.6 0 1 0-8 0",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  help: "M9 9a3 3 0 1 1 4.2 2.8c-.8.4-1.2 1-1.2 2.2M12 17.4v.4",
  theme: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  list: "M4 6h16M4 12h16M4 18h16",
  check: "M5 12.5l4.5 4.5L19 7",
  close: "M6 6l12 12M18 6 6 18",
  chart: "M4 19V5M4 19h16M7 15l4-5 3 3 5-7",
  bookmark: "M7 4h10v16l-5-4-5 4z",
  unfold: "M6 9l6 6 6-6",
};

/** A 24-unit line icon; its meaning must stand in words beside it or in the name of its button. @param {keyof typeof ICONS} name */
export function icon(name) {
  const filled = name === "play" || name === "pause";
  return svg(
    "svg",
    { class: filled ? "icon filled" : "icon", viewBox: "0 0 24 24", width: 18, height: 18, "aria-hidden": "true", focusable: "false" },
    svg("path", { d: ICONS[name] }),
  );
}
