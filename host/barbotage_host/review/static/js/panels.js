// Owns the tabs of the sidebar.

import { el } from "./dom.js";
import { recall, remember } from "./storage.js";

export class Panels {
  /** @type {{id: string, tab: HTMLElement, panel: HTMLElement}[]} */
  #all = [];

  /** @param {HTMLElement} tabs @param {HTMLElement} body */
  constructor(tabs, body) {
    this.tabs = tabs;
    this.body = body;
    tabs.addEventListener("keydown", (event) => this.#arrow(event));
    this.wanted = recall("panel", "events");
  }

  /** A new tab; returns its element. @param {string} id @param {string} titleKey @returns {HTMLElement} */
  add(id, titleKey) {
    const tab = el("button", {
      type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `panel-${id}`, "aria-selected": "false", tabindex: "-1",
      t: titleKey, on: { click: () => this.show(id) },
    });
    const panel = el("div", { role: "tabpanel", id: `panel-${id}`, "aria-labelledby": `tab-${id}`, tabindex: "0", hidden: true });
    this.#all.push({ id, tab, panel });
    this.tabs.append(tab);
    this.body.append(panel);
    if (this.#all.length === 1 || id === this.wanted) this.#select(id);
    return panel;
  }

  /** Opens a tab. @param {string} id */
  show(id) {
    this.wanted = id;
    remember("panel", id);
    this.#select(id);
  }

  /** @param {string} id */
  #select(id) {
    for (const one of this.#all) {
      const chosen = one.id === id;
      one.tab.setAttribute("aria-selected", String(chosen));
      one.tab.tabIndex = chosen ? 0 : -1;
      one.panel.hidden = !chosen;
      if (chosen) one.panel.dispatchEvent(new CustomEvent("shown"));
    }
  }

  /** @param {KeyboardEvent} event */
  #arrow(event) {
    const place = this.#all.findIndex((one) => one.tab === document.activeElement);
    const last = this.#all.length - 1;
    const places = { ArrowRight: place === last ? 0 : place + 1, ArrowLeft: place === 0 ? last : place - 1, Home: 0, End: last };
    if (place < 0 || !(event.key in places)) return;
    event.preventDefault();
    const next = this.#all[places[/** @type {keyof typeof places} */ (event.key)]];
    this.show(next.id);
    next.tab.focus();
  }
}
