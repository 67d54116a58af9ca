/**
 * What the page knows: devices, their latest positions, groups, geofences, events. Whoever shows it hears of changes,
 * of those of devices at most once for each frame of the screen, however many come in.
 */

import { api } from "./api.js";
import { Signal } from "./signal.js";

/** Events that are kept for a look. */
const MOST_EVENTS = 200;

export const fleet = {
  /** @type {Map<number, any>} */ devices: new Map(),
  /** @type {Map<number, any>} by device */ positions: new Map(),
  /** @type {Map<number, any>} */ groups: new Map(),
  /** @type {Map<number, any>} */ geofences: new Map(),
  /** @type {any[]} newest first */ events: [],
  /** @type {any} */ user: null,
  /** @type {any} */ server: null,
};

/** Ids of devices that have changed. @type {Signal<Set<number>>} */
export const moved = new Signal();
/** Devices have come or gone, or groups. @type {Signal<void>} */
export const listed = new Signal();
/** @type {Signal<void>} */
export const fenced = new Signal();
/** @type {Signal<any>} */
export const happened = new Signal();

/** @type {Set<number>} */
let changed = new Set();
let asked = false;
let relisted = false;

function flush() {
  asked = false;
  const ids = changed;
  changed = new Set();
  if (relisted) {
    relisted = false;
    listed.say();
  }
  if (ids.size) moved.say(ids);
}

/** Frames do not come while nobody looks; what has changed till then is told with the first one. */
function ask() {
  if (!asked) {
    asked = true;
    requestAnimationFrame(flush);
  }
}

/** @param {number} id */
function touch(id) {
  changed.add(id);
  ask();
}

/** A message of the socket. @param {any} message */
export function hear(message) {
  for (const device of message.devices ?? []) {
    if (fleet.devices.get(device.id)?.name !== device.name) relisted = true;
    fleet.devices.set(device.id, device);
    touch(device.id);
  }
  for (const position of message.positions ?? []) {
    fleet.positions.set(position.deviceId, position);
    touch(position.deviceId);
  }
  for (const event of message.events ?? []) {
    fleet.events.unshift(event);
    fleet.events.length = Math.min(fleet.events.length, MOST_EVENTS);
    happened.say(event);
  }
}

/** Read the devices anew: those that are gone go, those that have come come. */
export async function catchUp() {
  const [devices, positions] = await Promise.all([api.get("devices"), api.get("positions")]);
  fleet.devices = new Map(devices.map((/** @type {any} */ device) => [device.id, device]));
  for (const position of positions) {
    const known = fleet.positions.get(position.deviceId);
    if (!known || known.fixTime <= position.fixTime) fleet.positions.set(position.deviceId, position);
  }
  for (const id of [...fleet.positions.keys()]) if (!fleet.devices.has(id)) fleet.positions.delete(id);
  relisted = true;
  for (const id of fleet.devices.keys()) touch(id);
  ask();
}

/** Read groups and geofences. A server that has none of a kind is no mistake. */
export async function readRest() {
  for (const [path, kept] of /** @type {const} */ ([
    ["groups", "groups"],
    ["geofences", "geofences"],
  ])) {
    try {
      const found = await api.get(path);
      fleet[kept] = new Map(found.map((/** @type {any} */ one) => [one.id, one]));
    } catch (error) {
      if (error.status !== 404) throw error;
    }
  }
  listed.say();
  fenced.say();
}

/** A device as it is now, made or changed by the page itself. @param {any} device */
export function keep(device) {
  const known = fleet.devices.get(device.id);
  fleet.devices.set(device.id, known ? { ...device, status: known.status, lastUpdate: known.lastUpdate } : device);
  relisted = true;
  touch(device.id);
}

/** A device that is gone. @param {number} id */
export function forget(id) {
  fleet.devices.delete(id);
  fleet.positions.delete(id);
  relisted = true;
  touch(id);
}

/** Forget everything: somebody else may log in. */
export function clear() {
  fleet.devices.clear();
  fleet.positions.clear();
  fleet.groups.clear();
  fleet.geofences.clear();
  fleet.events = [];
  fleet.user = null;
}
