// Owns the words of the page: one catalogue per language from the server, numbers, dates and durations in the language's form.

import { Emitter } from "./emitter.js";
import { recall, remember } from "./storage.js";

export const LANGUAGES = ["en", "fr"];

/** Words of elements, so that a change of language can say them again. @type {WeakMap<Element, {t?: string, label?: string, hint?: string, values?: Record<string, any>}>} */
const described = new WeakMap();
/** @type {Texts | null} */
let current = null;

export class Texts extends Emitter {
  language = "en";
  /** Words per key; a list holds plural forms. @type {Record<string, string | string[]>} */
  #words = {};
  /** @type {Map<string, Intl.NumberFormat>} */
  #numbers = new Map();
  /** @type {Intl.DateTimeFormat | null} */
  #clock = null;

  /** The page's texts in the language that was chosen in this tab, named at the server's start, remembered, or the browser's. @returns {Promise<Texts>} */
  static async load() {
    const texts = new Texts();
    current = texts;
    const here = recall("language", "", sessionStorage);
    const likely = firstKnown([here, recall("language", ""), navigator.language.slice(0, 2)]);
    const [words, started] = await Promise.all([wordsIn(likely), LANGUAGES.includes(here) ? here : startLanguage()]);
    const language = firstKnown([started, likely]);
    texts.#take(language, language === likely ? words : await wordsIn(language));
    return texts;
  }

  /** Switches the language of the whole page; "change" is told once the words are there. @param {string} language */
  async use(language) {
    this.#take(language, await wordsIn(language));
    this.emit("change", language);
  }

  /** @param {string} language @param {Record<string, string | string[]>} words */
  #take(language, words) {
    this.#words = words;
    this.language = language;
    this.#numbers.clear();
    this.#clock = null;
    document.documentElement.lang = language;
    this.say(document.documentElement);
  }

  /** Switches and remembers. @param {string} language */
  async choose(language) {
    remember("language", language);
    remember("language", language, sessionStorage);
    await this.use(language);
  }

  /** Whether the catalogue holds a key. @param {string} key */
  has(key) {
    return key in this.#words;
  }

  /**
   * The words for a key, its `{names}` filled in; plural forms are chosen by `values.n`. An unknown key is an error in the
   * console and stands for itself.
   * @param {string} key @param {Record<string, any>} [values]
   */
  t(key, values) {
    const found = this.#words[key];
    if (found === undefined) {
      console.error(`no text for ${key} in ${this.language}`);
      return key;
    }
    const one = new Intl.PluralRules(this.language).select(Number(values?.n ?? 1)) === "one";
    const words = Array.isArray(found) ? found[one ? 0 : 1] : found;
    return values ? words.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole)) : words;
  }

  /** A number in the language's form; "–" for what is unknown. @param {number | null | undefined} value @param {number} [decimals] */
  number(value, decimals = 1) {
    if (value === null || value === undefined || !Number.isFinite(value)) return "–";
    const key = String(decimals);
    let format = this.#numbers.get(key);
    if (!format) {
      format = new Intl.NumberFormat(this.language, {
        minimumFractionDigits: decimals,
        maximumFractionDigits: decimals,
        signDisplay: "negative",
      });
      this.#numbers.set(key, format);
    }
    return format.format(value).replace("-", "−");
  }

  /** A length with its unit, or "–". @param {number | null | undefined} value_mm @param {number} [decimals] */
  mm(value_mm, decimals = 1) {
    return value_mm === null || value_mm === undefined ? "–" : `${this.number(value_mm, decimals)}\u202fmm`;
  }

  /** Longest by perpendicular extent of a deposit, or "–". @param {{longest_mm: number | null, perpendicular_mm: number | null} | null} deposit */
  size(deposit) {
    if (!deposit || deposit.longest_mm === null) return "–";
    const times = "\u202f×\u202f";
    return `${this.number(deposit.longest_mm)}${times}${this.number(deposit.perpendicular_mm)}\u202fmm`;
  }

  /** Date and time of day. @param {number} utc_ns */
  date(utc_ns) {
    return new Intl.DateTimeFormat(this.language === "fr" ? "fr" : "en-GB", { dateStyle: "medium", timeStyle: "short" }).format(
      new Date(utc_ns / 1e6),
    );
  }

  /** Minutes and seconds: "3 min 07 s". @param {number | null | undefined} duration_s */
  duration(duration_s) {
    if (duration_s === null || duration_s === undefined || !Number.isFinite(duration_s)) return "–";
    const whole_s = Math.round(duration_s);
    const minutes = Math.floor(whole_s / 60);
    const rest = String(whole_s % 60).padStart(minutes ? 2 : 1, "0");
    return minutes ? `${minutes}\u202fmin\u202f${rest}\u202fs` : `${rest}\u202fs`;
  }

  /** A duration of which tenths matter while it is below ten seconds: "0.4 s". @param {number | null | undefined} duration_s */
  brief(duration_s) {
    if (duration_s === null || duration_s === undefined || duration_s >= 10) return this.duration(duration_s);
    return `${this.number(duration_s, 1)}\u202fs`;
  }

  /** The time of day. @param {number} utc_ms */
  clock(utc_ms) {
    this.#clock ??= new Intl.DateTimeFormat(this.language === "fr" ? "fr" : "en-GB", { timeStyle: "medium" });
    return this.#clock.format(utc_ms);
  }

  /** A position in a recording: "3:07.24", with the language's decimal mark. @param {number} t_s */
  position(t_s) {
    const hundredths = Math.round(Math.max(0, t_s) * 100);
    const minutes = Math.floor(hundredths / 6000);
    const rest_s = (hundredths % 6000) / 100;
    return `${minutes}:${rest_s < 10 ? "0" : ""}${this.number(rest_s, 2)}`;
  }

  /** Says all described elements under `root` again. @param {Element} root */
  say(root) {
    for (const element of [root, ...root.querySelectorAll("*")]) {
      adopt(element);
      const words = described.get(element);
      if (words) put(element, words, this);
    }
  }
}

/**
 * Gives an element its words by text key, now and after each change of language.
 * @param {Element} element
 * @param {{t?: string, label?: string, hint?: string, values?: Record<string, any>}} words
 */
export function describe(element, words) {
  described.set(element, words);
  if (current) put(element, words, current);
}

/** @param {string} language @returns {Promise<Record<string, string | string[]>>} */
async function wordsIn(language) {
  const response = await fetch(`/api/texts/${language}`, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`no texts in ${language}: ${response.status}`);
  return response.json();
}

/** The language that the server was started with; "" for none. @returns {Promise<string>} */
async function startLanguage() {
  const answer = await fetch("/api/launch", { credentials: "same-origin" });
  return (answer.ok ? (await answer.json()).language : null) ?? "";
}

/** The first of these that the page speaks; else English. @param {string[]} wanted */
function firstKnown(wanted) {
  return wanted.find((one) => LANGUAGES.includes(one)) ?? "en";
}

/** Takes the keys that the HTML carries in data-t, data-t-label and data-t-hint. @param {Element} element */
function adopt(element) {
  const { t, tLabel, tHint } = /** @type {HTMLElement} */ (element).dataset ?? {};
  if (t || tLabel || tHint) described.set(element, { t, label: tLabel, hint: tHint, values: described.get(element)?.values });
}

/** @param {Element} element @param {{t?: string, label?: string, hint?: string, values?: Record<string, any>}} words @param {Texts} texts */
function put(element, words, texts) {
  if (words.t) element.textContent = texts.t(words.t, words.values);
  if (words.label) element.setAttribute("aria-label", texts.t(words.label, words.values));
  if (words.hint) element.setAttribute("title", texts.t(words.hint, words.values));
}
