/** What a device is doing, from what is known of it. */

import { fleet } from "./fleet.js";
import { t } from "./words.js";
import { age, speed } from "./units.js";

/** @typedef {"moving" | "standing" | "unknown" | "offline" | "never"} State */

/** @type {State[]} */
export const states = ["moving", "standing", "unknown", "offline", "never"];

/** @param {any} device @returns {State} */
export function stateOf(device) {
  const position = fleet.positions.get(device.id);
  if (!device.lastUpdate && !position) return "never";
  if (device.status === "online")
    return position && (position.attributes.motion ?? position.speed > 1) ? "moving" : "standing";
  return device.status === "unknown" ? "unknown" : "offline";
}

/** @param {any} device @returns {number | null} ms since its last message */
export function ageOf(device) {
  const last = device.lastUpdate ?? fleet.positions.get(device.id)?.serverTime;
  return last ? Date.now() - Date.parse(last) : null;
}

/** State, speed and age in a few words. @param {any} device */
export function inWords(device) {
  const state = stateOf(device),
    ms = ageOf(device),
    position = fleet.positions.get(device.id);
  const said = [t(`state.${state}`)];
  if (state === "moving" && position) said.push(speed(position.speed));
  if (ms !== null) said.push(age(ms));
  return said.join(" · ");
}

/** A device with an alarm in its latest position wants to be seen. @param {any} device */
export function alarmOf(device) {
  return fleet.positions.get(device.id)?.attributes.alarm ?? null;
}
