// Owns the keyboard: the shortcuts of all tools, and the dialog that lists them.

import { byId, el } from "./dom.js";
import { recall, remember } from "./storage.js";

/**
 * @typedef {object} Shortcut
 * @property {string} key   as in KeyboardEvent.key, with "Ctrl+", "Alt+", "Shift+" before it where held: "o", "Shift+ArrowRight", "Ctrl+z", "?"
 * @property {string} text  text key: what it does
 * @property {string} group text key: the heading in the help dialog
 * @property {() => void} run
 * @property {boolean} [hidden]  another key of the same shortcut, not listed
 */

/** Keys that a focused control uses itself. */
const CONTROL_KEYS = new Set([" ", "Enter", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"]);
/** Headings in the help dialog that come first; those of tools follow. */
const GROUPS = ["group-play", "group-loop", "group-jump", "group-picture", "group-page"];
/** Keys of which Shift makes another character, so Shift itself is not part of the name. */
const SINGLE = /^.$/u;

export class Keys {
  /** @type {Map<string, Shortcut>} */
  #shortcuts = new Map();

  /** @param {import("./texts.js").Texts} texts */
  constructor(texts) {
    this.texts = texts;
    this.dialog = byId("help");
    this.single = recall("single-keys", "on") === "on";
    document.addEventListener("keydown", (event) => this.#press(event));
    texts.on("change", () => this.#list());
    byId("help-open").addEventListener("click", () => this.open());
    byId("help-close").addEventListener("click", () => this.dialog.close());
    const box = byId("single-keys");
    box.checked = this.single;
    box.addEventListener("change", () => {
      this.single = box.checked;
      remember("single-keys", this.single ? "on" : "off");
    });
  }

  /** Adds a shortcut; a key that is taken is an error of the programmer. @param {Shortcut} shortcut */
  add(shortcut) {
    const name = normal(shortcut.key);
    if (this.#shortcuts.has(name)) throw new Error(`the key ${shortcut.key} is taken by ${this.#shortcuts.get(name)?.text}`);
    this.#shortcuts.set(name, shortcut);
  }

  open() {
    this.#list();
    this.dialog.showModal();
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    const shortcut = this.#shortcuts.get(nameOf(event));
    if (!shortcut || usedByControl(event)) return;
    if (!this.single && SINGLE.test(shortcut.key) && shortcut.key !== " ") return;
    event.preventDefault();
    shortcut.run();
  }

  #list() {
    const groups = new Map(GROUPS.map((group) => [group, /** @type {Shortcut[]} */ ([])]));
    for (const shortcut of this.#shortcuts.values()) {
      if (!shortcut.hidden) groups.set(shortcut.group, [...(groups.get(shortcut.group) ?? []), shortcut]);
    }
    const sections = [...groups].map(([group, shortcuts]) =>
      el("section", {}, el("h3", { t: group }), el("dl", {}, ...shortcuts.map((/** @type {Shortcut} */ one) => this.#row(one)))),
    );
    byId("help-list").replaceChildren(...sections);
  }

  /** @param {Shortcut} shortcut */
  #row(shortcut) {
    const keys = [...this.#shortcuts.values()].filter((one) => one.text === shortcut.text && one.group === shortcut.group);
    const caps = keys.flatMap((one, place) => [place ? " / " : null, ...this.#caps(one.key)]);
    return el("div", {}, el("dt", {}, ...caps), el("dd", { t: shortcut.text }));
  }

  /** @param {string} key */
  #caps(key) {
    const parts = key === "+" ? ["+"] : key.split("+");
    return parts.flatMap((part, place) => [place ? "+" : null, el("kbd", {}, this.#cap(part))]);
  }

  /** @param {string} part */
  #cap(part) {
    const arrows = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };
    const named = { " ": "key-space", Home: "key-home", End: "key-end", Shift: "key-shift", Ctrl: "key-ctrl", Alt: "key-alt", Delete: "key-delete", Escape: "key-escape", Enter: "key-enter" };
    if (part in arrows) return arrows[/** @type {keyof typeof arrows} */ (part)];
    if (part in named) return this.texts.t(named[/** @type {keyof typeof named} */ (part)]);
    return part.length === 1 ? part.toUpperCase() : part;
  }
}

/** @param {string} key */
function normal(key) {
  const parts = key === "+" ? ["+"] : key.split("+");
  const last = parts.pop() ?? "";
  return [...parts.sort(), last.length === 1 ? last.toLowerCase() : last].join("+");
}

/** @param {KeyboardEvent} event */
function nameOf(event) {
  const graph = event.getModifierState("AltGraph");
  const held = [];
  if (event.altKey && !graph) held.push("Alt");
  if ((event.ctrlKey || event.metaKey) && !graph) held.push("Ctrl");
  const letter = /^\p{L}$/u.test(event.key);
  if (event.shiftKey && (letter || !SINGLE.test(event.key) || event.key === " ")) held.push("Shift");
  return [...held, SINGLE.test(event.key) ? event.key.toLowerCase() : event.key].join("+");
}

/** Whether the focused control has its own use for the key. @param {KeyboardEvent} event */
function usedByControl(event) {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  if (target instanceof HTMLInputElement) {
    const plain = ["range", "checkbox", "radio", "button", "submit"].includes(target.type);
    if (!plain) return true;
    return CONTROL_KEYS.has(event.key) && !(target.type === "range" && (event.key === " " || event.shiftKey));
  }
  if (target.matches('[role="tab"], [role="slider"], [role="spinbutton"], [role="option"]')) return CONTROL_KEYS.has(event.key);
  if (target.matches("button, a[href], summary")) return event.key === " " || event.key === "Enter";
  return false;
}
