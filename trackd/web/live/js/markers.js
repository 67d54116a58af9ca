/**
 * All devices on one canvas: an arrow for who moves, a dot for who stands, a number where many are close together.
 * Drawn at most once for each frame of the screen; a device glides to its new place.
 */

import { colour } from "./dom.js";
import { fleet, listed, moved } from "./fleet.js";
import { Drawn } from "./grid.js";
import { ageOf, alarmOf, stateOf, states } from "./state.js";
import { age } from "./units.js";

/* global L */

/** Milliseconds of a glide, and the pixels of the longest one. */
const GLIDE = 400;
const LONGEST = 200;
/**
 * Devices in view above which those in one field of so many pixels are shown as a number, and from which zoom on none
 * are.
 */
const CROWD = 60;
const FIELD = 56;
const APART_FROM = 16;
/** Pixels around a marker in which it is hit. */
const NEAR = 18;
/** Milliseconds after which a name says how old its place is. */
const OLD = 300_000;
const MINUTE = 60_000;
/** Devices in view up to which their names are shown. */
const NAMED = 40;

/** @typedef {{ id: number, device: any, state: string, from: any, to: any, since: number, course: number }} Mark */

export const Markers = Drawn.extend({
  options: { pane: "markerPane" },

  initialize() {
    /** @type {Map<number, Mark>} */
    this._marks = new Map();
    /** @type {{ x: number, y: number, ids: number[] }[]} what was drawn, for hits */
    this._drawn = [];
    this.chosen = null;
    /** @type {(id: number) => boolean} */
    this.wanted = () => true;
    this.hidden = false;
    this._asked = false;
    this._still = matchMedia("(prefers-reduced-motion: reduce)");
  },

  /** @param {any} map */
  onAdd(map) {
    this.recolour();
    Drawn.prototype.onAdd.call(this, map);
    // Time passes also where nothing moves.
    this._tick = setInterval(() => this.ask(), MINUTE);
    this._deaf = [moved.on((ids) => this._moved(ids)), listed.on(() => this._all())];
    this._all();
  },

  onRemove(map) {
    for (const off of this._deaf) off();
    clearInterval(this._tick);
    Drawn.prototype.onRemove.call(this, map);
  },

  /** The colours of the page have changed. */
  recolour() {
    this._colours = Object.fromEntries(states.map((state) => [state, colour(`--${state}`)]));
    this._ink = colour("--ink");
    this._paper = colour("--paper");
    this._accent = colour("--accent");
    this._alarm = colour("--bad");
    this._sprites = new Map();
    this.ask();
  },

  /** Draw with the next frame. */
  ask() {
    if (!this._asked && this._map) {
      this._asked = true;
      requestAnimationFrame(() => {
        this._asked = false;
        if (this._map) this.redraw();
      });
    }
  },

  _all() {
    for (const id of this._marks.keys()) if (!fleet.devices.has(id)) this._marks.delete(id);
    this._moved(fleet.devices.keys());
  },

  /** @param {Iterable<number>} ids */
  _moved(ids) {
    const now = performance.now();
    for (const id of ids) {
      const device = fleet.devices.get(id),
        position = fleet.positions.get(id);
      if (!device || !position) {
        this._marks.delete(id);
        continue;
      }
      const to = L.latLng(position.latitude, position.longitude),
        mark = this._marks.get(id);
      const state = stateOf(device);
      if (!mark) {
        this._marks.set(id, { id, device, state, from: to, to, since: 0, course: position.course });
        continue;
      }
      if (!mark.to.equals(to)) {
        mark.from = this._placeOf(mark, now);
        mark.to = to;
        mark.since = now;
      }
      Object.assign(mark, { device, state, course: position.course });
    }
    this.ask();
  },

  /** Where a device is shown now. @param {Mark} mark @param {number} now */
  _placeOf(mark, now) {
    const part = (now - mark.since) / GLIDE;
    if (part >= 1 || this._still.matches) return mark.to;
    return L.latLng(
      mark.from.lat + (mark.to.lat - mark.from.lat) * part,
      mark.from.lng + (mark.to.lng - mark.from.lng) * part,
    );
  },

  /** @param {number} id */
  placeOf(id) {
    return this._marks.get(id)?.to ?? null;
  },

  /** @param {CanvasRenderingContext2D} context @param {any} size */
  draw(context, size) {
    const map = this._map,
      now = performance.now(),
      seen = [];
    let gliding = false;
    for (const mark of this.hidden ? [] : this._marks.values()) {
      if (!this.wanted(mark.id) && mark.id !== this.chosen) continue;
      const end = map.latLngToContainerPoint(mark.to);
      let point = end;
      if (mark.since && now - mark.since < GLIDE && !this._still.matches) {
        const start = map.latLngToContainerPoint(this._placeOf(mark, now));
        if (start.distanceTo(end) < LONGEST) {
          point = start;
          gliding = true;
        }
      }
      if (point.x > -40 && point.y > -40 && point.x < size.x + 40 && point.y < size.y + 40) seen.push({ mark, point });
    }
    this._drawn = [];
    const apart = seen.length <= CROWD || map.getZoom() >= APART_FROM;
    const single = apart ? seen : this._crowds(context, seen);
    for (const { mark, point } of single) if (mark.id !== this.chosen) this._one(context, mark, point);
    const chosen = seen.find(({ mark }) => mark.id === this.chosen);
    if (chosen) this._one(context, chosen.mark, chosen.point);
    if (single.length <= NAMED) this._names(context, chosen ? [chosen, ...single] : single);
    if (gliding) this.ask();
  },

  /** Show those that are close together as a number; the others. */
  _crowds(context, seen) {
    const fields = new Map(),
      origin = this._map.getPixelOrigin(),
      single = [];
    const corner = this._map.containerPointToLayerPoint([0, 0]).add(origin);
    for (const one of seen) {
      const key = `${Math.floor((one.point.x + corner.x) / FIELD)} ${Math.floor((one.point.y + corner.y) / FIELD)}`;
      const found = fields.get(key);
      if (found) found.push(one);
      else fields.set(key, [one]);
    }
    for (const inside of fields.values()) {
      if (inside.length < 3) {
        single.push(...inside);
        continue;
      }
      const x = inside.reduce((sum, one) => sum + one.point.x, 0) / inside.length;
      const y = inside.reduce((sum, one) => sum + one.point.y, 0) / inside.length;
      const moving = inside.filter((one) => one.mark.state === "moving").length / inside.length;
      this._number(context, x, y, inside.length, moving);
      this._drawn.push({ x, y, ids: inside.map((one) => one.mark.id) });
    }
    return single;
  },

  /** A number; the ring says which part of them moves. */
  _number(context, x, y, count, moving) {
    const radius = 14 + Math.min(10, Math.log2(count) * 1.6);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = this._paper;
    context.fill();
    context.lineWidth = 4;
    context.strokeStyle = this._colours.standing;
    context.stroke();
    if (moving) {
      context.beginPath();
      context.arc(x, y, radius, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * moving);
      context.strokeStyle = this._colours.moving;
      context.stroke();
    }
    context.fillStyle = this._ink;
    context.font = "600 12px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(String(count), x, y + 1);
  },

  /** A picture of a state, drawn once. @param {string} state @param {string} shape */
  _sprite(state, shape) {
    const key = `${state} ${shape}`;
    let sprite = this._sprites.get(key);
    if (!sprite) {
      const ratio = devicePixelRatio || 1;
      sprite = document.createElement("canvas");
      sprite.width = sprite.height = 36 * ratio;
      const context = sprite.getContext("2d");
      context.scale(ratio, ratio);
      context.translate(18, 18);
      context.shadowColor = "rgba(0, 0, 0, 0.35)";
      context.shadowBlur = 3;
      context.shadowOffsetY = 1;
      context.beginPath();
      if (shape === "arrow") {
        context.moveTo(0, -14);
        context.lineTo(10, 11);
        context.lineTo(0, 6);
        context.lineTo(-10, 11);
        context.closePath();
      } else context.arc(0, 0, 8, 0, 2 * Math.PI);
      context.fillStyle = this._colours[state];
      context.fill();
      context.shadowColor = "transparent";
      context.lineWidth = 2;
      context.lineJoin = "round";
      context.strokeStyle = "#fff";
      context.stroke();
      this._sprites.set(key, sprite);
    }
    return sprite;
  },

  /** @param {CanvasRenderingContext2D} context @param {Mark} mark @param {any} point */
  _one(context, mark, point) {
    const moving = mark.state === "moving",
      sprite = this._sprite(mark.state, moving ? "arrow" : "dot");
    if (mark.id === this.chosen || alarmOf(mark.device)) {
      context.beginPath();
      context.arc(point.x, point.y, 19, 0, 2 * Math.PI);
      context.lineWidth = 3;
      context.strokeStyle = alarmOf(mark.device) ? this._alarm : this._accent;
      context.stroke();
    }
    context.save();
    context.translate(point.x, point.y);
    if (moving) context.rotate((mark.course * Math.PI) / 180);
    context.drawImage(sprite, -18, -18, 36, 36);
    context.restore();
    this._drawn.push({ x: point.x, y: point.y, ids: [mark.id] });
  },

  /** The names, as far as there is room: none over another, the first ones first. */
  _names(context, some) {
    const taken = [];
    context.font = "600 12px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "top";
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.strokeStyle = this._paper;
    context.fillStyle = this._ink;
    for (const { mark, point } of some) {
      const ms = ageOf(mark.device) ?? 0,
        name = mark.device.name.length > 28 ? `${mark.device.name.slice(0, 27)}…` : mark.device.name;
      const text = ms > OLD ? `${name} · ${age(ms)}` : name;
      const half = context.measureText(text).width / 2 + 2,
        x = point.x,
        y = point.y + 19;
      if (taken.some((one) => Math.abs(one.x - x) < one.half + half && Math.abs(one.y - y) < 15)) continue;
      taken.push({ x, y, half });
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    }
  },

  /** The devices of what is drawn at this point of the map's container; none: an empty list. @param {any} point */
  at(point) {
    let best = null,
      nearest = NEAR;
    for (const one of this._drawn) {
      const far = Math.hypot(one.x - point.x, one.y - point.y) - (one.ids.length > 1 ? 8 : 0);
      if (far <= nearest) {
        nearest = far;
        best = one;
      }
    }
    return best ? best.ids : [];
  },
});
