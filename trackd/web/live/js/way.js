/** Where the reader is: the part of the address behind `#`, so that links and the back button work. */

import { Signal } from "./signal.js";

/** @type {Signal<string[]>} */
export const went = new Signal();

/** The parts of where we are: `#/device/3/history` is ["device", "3", "history"]. @returns {string[]} */
export function here() {
  return location.hash
    .replace(/^#\/?/, "")
    .split("/")
    .filter(Boolean)
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}

/** @param {...(string | number)} parts */
export const link = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;

/** @param {...(string | number)} parts */
export function go(...parts) {
  const to = link(...parts);
  if (location.hash === to) went.say(here());
  else location.hash = to;
}

addEventListener("hashchange", () => went.say(here()));
