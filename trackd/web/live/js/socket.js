/** The live connection: it comes back by itself, and what was missed meanwhile is read anew. */

import { api, base } from "./api.js";
import { catchUp, hear, readRest } from "./fleet.js";
import { Signal } from "./signal.js";

/** Milliseconds of silence after which the line is dead: the server says something at least every 55 seconds. */
const SILENCE = 90_000;
/** Milliseconds before each next try. */
const WAITS = [1000, 2000, 5000, 10_000, 20_000, 30_000];
/** The code with which a client that has logged out closes. */
const LEFT = 4000;

/** @typedef {{ name: "live" | "connecting" | "away", until?: number }} Line */

/** @type {Signal<Line>} */
export const line = new Signal();

/** @type {WebSocket | null} */
let socket = null;
let tries = 0;
let wanted = false;
let first = true;
let heardAt = 0;
/** @type {number | undefined} */
let timer;
/** @type {Line} */
export let now = { name: "connecting" };

/** @param {Line} next */
function tell(next) {
  now = next;
  line.say(next);
}

function open() {
  clearTimeout(timer);
  tell({ name: "connecting" });
  const url = new URL("socket", base);
  url.protocol = url.protocol.replace("http", "ws");
  const opened = new WebSocket(url);
  socket = opened;
  heardAt = Date.now();
  opened.onopen = () => {
    heardAt = Date.now();
    const again = !first;
    first = false;
    tell({ name: "live" });
    // The socket's first message has the positions; devices that were made, changed or deleted are not among it.
    if (again)
      Promise.all([catchUp(), readRest()]).then(
        () => (tries = 0),
        () => opened.close(),
      );
    else tries = 0;
  };
  opened.onmessage = (event) => {
    heardAt = Date.now();
    hear(JSON.parse(event.data));
  };
  opened.onclose = () => {
    if (socket === opened) lost();
  };
}

function lost() {
  socket = null;
  if (!wanted) return;
  // Not all at once, when a server comes back to many.
  const wait = WAITS[Math.min(tries, WAITS.length - 1)] * (0.7 + 0.6 * Math.random());
  tries += 1;
  tell({ name: "away", until: Date.now() + wait });
  timer = setTimeout(retry, wait);
  // Whether it was the line or the session: a protected call says that it is over.
  api.get("devices", { id: 0 }).catch(() => {});
}

function retry() {
  if (wanted && !socket) open();
}

/** Drop a line on which nothing has come for too long. */
function watch() {
  if (socket && Date.now() - heardAt > SILENCE) drop();
}

function drop() {
  const dead = socket;
  socket = null;
  if (dead) {
    dead.onclose = null;
    dead.close();
  }
  lost();
}

/** Try at once: the network or the reader is back. */
export function retryNow() {
  if (!wanted) return;
  if (!socket) {
    clearTimeout(timer);
    open();
  } else watch();
}

/** Listen until `stop`. */
export function start() {
  wanted = true;
  first = true;
  tries = 0;
  open();
}

/** End it: the reader has left. */
export function stop() {
  wanted = false;
  clearTimeout(timer);
  socket?.close(LEFT);
  socket = null;
}

setInterval(watch, 10_000);
addEventListener("online", retryNow);
addEventListener("offline", () => socket && drop());
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && retryNow());
