/** The page's words in three languages, chosen by the browser and switchable. */

import en from "../text/en.js";
import hans from "../text/zh-Hans.js";
import hant from "../text/zh-Hant.js";

export const LOCALES = { "zh-Hant": hant, "zh-Hans": hans, en };

/**
 * @param {readonly string[]} wanted language tags, the best first
 * @returns {"zh-Hant"|"zh-Hans"|"en"}
 */
export function chooseLocale(wanted) {
  for (const tag of wanted) {
    const [language, ...rest] = tag.toLowerCase().split(/[-_]/);
    if (language === "zh" || language === "yue" || language === "cmn") {
      if (rest.includes("hans")) return "zh-Hans";
      const traditional = ["hant", "tw", "hk", "mo"].some((part) => rest.includes(part));
      return traditional || language === "yue" ? "zh-Hant" : "zh-Hans";
    }
    if (language === "en") return "en";
  }
  return "en";
}

export class Words {
  constructor(locale) {
    this.use(locale);
  }

  use(locale) {
    this.locale = locale;
    this._table = LOCALES[locale];
  }

  /** The text of a dotted key, with {names} filled in. */
  say(key, values = {}) {
    const text = key.split(".").reduce((table, part) => table?.[part], this._table);
    if (typeof text !== "string") throw new Error(`no text for ${key} in ${this.locale}`);
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  }

  has(key) {
    return typeof key.split(".").reduce((table, part) => table?.[part], this._table) === "string";
  }

  /** Put words into every element that names a key: text, and attributes as "name:key,…". */
  fill(root) {
    root.documentElement.lang = this.locale;
    for (const element of root.querySelectorAll("[data-text]")) {
      element.textContent = this.say(element.dataset.text);
    }
    for (const element of root.querySelectorAll("[data-attributes]")) {
      for (const pair of element.dataset.attributes.split(",")) {
        const [name, key] = pair.split(":");
        element.setAttribute(name, this.say(key));
      }
    }
  }
}
