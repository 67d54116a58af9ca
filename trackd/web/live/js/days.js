/** Days of the calendar in the zone in which times are shown. A day is a text, YYYY-MM-DD. */

import { zone } from "./units.js";

/** @param {Date} moment @returns {string} */
export function dayIn(moment) {
  const parts = partsOf(moment);
  return `${parts.year}-${parts.month}-${parts.day}`;
}

/** @param {string} day @param {number} days @returns {string} */
export function stepDay(day, days) {
  const moment = new Date(`${day}T12:00:00Z`);
  moment.setUTCDate(moment.getUTCDate() + days);
  return moment.toISOString().slice(0, 10);
}

/** The moment at which a day begins. @param {string} day @returns {Date} */
export function startOf(day) {
  const wanted = Date.parse(`${day}T00:00:00Z`);
  let moment = wanted;
  // The zone's offset is known for a moment only; near a change of the clocks, the second guess is the right one.
  for (let guess = 0; guess < 2; guess += 1) moment = wanted - offset(new Date(moment));
  return new Date(moment);
}

/** Milliseconds by which the zone's clocks are ahead of UTC. @param {Date} moment */
function offset(moment) {
  const { year, month, day, hour, minute, second } = partsOf(moment);
  return (
    Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) - Math.floor(moment.getTime() / 1000) * 1000
  );
}

/** @param {Date} moment @returns {Record<string, string>} */
function partsOf(moment) {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone(),
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  return Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, value]));
}
