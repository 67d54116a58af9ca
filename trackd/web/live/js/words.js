/** Texts of the page in the reader's language. A language is a file in `../text`, with the same keys as English. */

import en from "../text/en.js";
import de from "../text/de.js";

/** @type {Record<string, { name: string, texts: Record<string, string> }>} */
export const languages = { en: { name: "English", texts: en }, de: { name: "Deutsch", texts: de } };
let texts = en;
export let language = "en";

/** @param {(string | null | undefined)[]} wanted languages, the dearest first */
export function speak(...wanted) {
  const found =
    wanted.map((tag) => (tag ?? "").toLowerCase().split(/[-_]/)[0]).find((tag) => Object.hasOwn(languages, tag)) ??
    "en";
  language = found;
  texts = languages[found].texts;
  document.documentElement.lang = found;
}

/**
 * @param {string} key @param {Record<string, any>} [values] for the places in braces
 * @returns {string}
 */
export function t(key, values) {
  const text = Object.hasOwn(texts, key) ? texts[key] : (en[key] ?? key);
  return values ? text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? "")) : text;
}

/**
 * A text that may not exist: its name, taken apart, is what there is to say then.
 * @param {string} prefix @param {string} name
 */
export function word(prefix, name) {
  const key = `${prefix}.${name}`;
  if (Object.hasOwn(texts, key)) return texts[key];
  const [, stem, number] = /^(.*?)(\d*)$/s.exec(name) ?? [];
  if (number && Object.hasOwn(texts, `${prefix}.${stem}`)) return `${texts[`${prefix}.${stem}`]} ${number}`;
  const apart = name.replace(/([a-z])([A-Z0-9])/g, "$1 $2").toLowerCase();
  return apart.charAt(0).toUpperCase() + apart.slice(1);
}
