/** A day of one device: its way on the map, a slider, a plot of speed and altitude, and exports. */

import { address, api } from "./api.js";
import { problem } from "./dialog.js";
import { positionFacts } from "./details.js";
import { attribute, colour, fill, h, say } from "./dom.js";
import { fleet } from "./fleet.js";
import { icon } from "./icons.js";
import { dayIn, startOf, stepDay } from "./days.js";
import { Plot } from "./plot.js";
import { clock, course, distance, duration, speed } from "./units.js";
import { go } from "./way.js";
import { t } from "./words.js";

/* global L */

/** Milliseconds between two steps of the replay, and of a pause in the way that is no line. */
const STEP = 60;
const GAP = 30 * 60_000;

export class History {
  /** @param {HTMLElement} place @param {import("./map.js").MapView} map @param {number} id */
  constructor(place, map, id) {
    this.place = place;
    this.map = map;
    this.id = id;
    /** @type {any[]} */
    this.positions = [];
    this.layer = L.layerGroup().addTo(map.map);
    this._playing = 0;
    this._asked = 0;
    this._day = h("input", {
      type: "date",
      "aria-label": t("history.day"),
      onchange: () => this._day.value && go("device", id, "history", this._day.value),
    });
    this._slider = h("input", {
      type: "range",
      min: 0,
      max: 0,
      step: 1,
      "aria-label": t("history.time"),
      oninput: () => this._to(Number(this._slider.value)),
    });
    this._play = h(
      "button.icon-only",
      { type: "button", "aria-label": t("history.play"), onclick: () => this._toggle() },
      icon("play"),
    );
    this._now = h("output.now");
    this._said = h("p.quiet", { role: "status" });
    this._plotPlace = h("div.plot", { role: "img", "aria-label": t("history.plot") });
    this._exports = h("div.exports", { role: "group", "aria-label": t("history.export") });
    this._facts = h("details", {}, h("summary", {}, t("attributes")), h("div.facts"));
    const step = (/** @type {number} */ days, /** @type {any} */ picture, /** @type {string} */ label) =>
      h(
        "button.icon-only",
        { type: "button", "aria-label": label, onclick: () => go("device", id, "history", stepDay(this.day, days)) },
        icon(picture),
      );
    fill(
      place,
      h(
        "header",
        {},
        h(
          "button.plain.icon-only",
          { type: "button", "aria-label": t("back"), onclick: () => go("device", id) },
          icon("back"),
        ),
        h("h2", {}, fleet.devices.get(id)?.name),
        h("div.day", {}, step(-1, "back", t("history.before")), this._day, step(1, "next", t("history.after"))),
        this._exports,
      ),
      this._said,
      h("div.replay", {}, this._play, this._slider, this._now),
      this._plotPlace,
      this._facts,
    );
    place.hidden = false;
    map.markers.hidden = true;
    map.markers.ask();
    map.trail.remove();
    this._marker = L.circleMarker([0, 0], { radius: 8, weight: 3, fillOpacity: 1, interactive: false });
    this._themed = () => this._draw();
    addEventListener("themed", this._themed);
  }

  /** @param {string} [day] YYYY-MM-DD; none: the day of its latest position */
  async show(day) {
    const latest = fleet.positions.get(this.id);
    this.day = /^\d{4}-\d\d-\d\d$/.test(day ?? "")
      ? /** @type {string} */ (day)
      : dayIn(latest ? new Date(latest.fixTime) : new Date());
    this._day.value = this.day;
    this._stop();
    say(this._said, t("wait"));
    const from = startOf(this.day),
      to = new Date(startOf(stepDay(this.day, 1)).getTime() - 1),
      asked = (this._asked += 1);
    fill(
      this._exports,
      ["csv", "gpx", "kml", "kmz"].map((kind) =>
        h(
          "a.button",
          { href: address(`positions/${kind}`, { deviceId: this.id, from, to }).href, download: `positions.${kind}` },
          icon("download"),
          kind.toUpperCase(),
        ),
      ),
    );
    let found = [];
    try {
      found = await api.get("positions", { deviceId: this.id, from, to });
    } catch (error) {
      if (asked === this._asked) say(this._said, problem(error));
      return;
    }
    if (asked !== this._asked || !this.layer) return;
    this.positions = found;
    this._summary();
    this._draw();
    attribute(this._exports, "hidden", found.length ? null : true);
    if (found.length)
      this.map.showPlaces(
        found.map((/** @type {any} */ one) => [one.latitude, one.longitude]),
        false,
      );
    this._slider.max = String(Math.max(0, found.length - 1));
    this._slider.disabled = this._play.disabled = found.length === 0;
    this._to(0);
  }

  _summary() {
    const [first, last] = [this.positions[0], this.positions.at(-1)];
    if (!first) {
      say(this._said, t("history.none"));
      return;
    }
    const metres = this.positions.reduce(
      (sum, one, number) => sum + (number ? step(this.positions[number - 1], one) : 0),
      0,
    );
    const fastest = Math.max(...this.positions.map((one) => one.speed));
    say(
      this._said,
      t("history.said", {
        n: this.positions.length,
        distance: distance(metres),
        time: duration(Date.parse(last.fixTime) - Date.parse(first.fixTime)),
        speed: speed(fastest),
      }),
    );
  }

  _draw() {
    this.layer.clearLayers();
    this._plot?.remove();
    this._plot = null;
    if (!this.positions.length) {
      fill(this._plotPlace);
      return;
    }
    const parts = [[/** @type {any} */ (null)]];
    this.positions.forEach((one, number) => {
      const before = this.positions[number - 1];
      if (before && Date.parse(one.fixTime) - Date.parse(before.fixTime) > GAP) parts.push([]);
      parts.at(-1)?.push([one.latitude, one.longitude]);
    });
    parts[0].shift();
    L.polyline(parts, { color: colour("--paper"), weight: 8, opacity: 0.8, interactive: false }).addTo(this.layer);
    L.polyline(parts, { color: colour("--trail"), weight: 4, interactive: false }).addTo(this.layer);
    this._marker.setStyle({ color: colour("--paper"), fillColor: colour("--accent") }).addTo(this.layer);
    this._plot = new Plot(this._plotPlace, this.positions, (number) => this._to(number));
    this._to(Number(this._slider.value));
  }

  /** Show the position of this number. @param {number} number */
  _to(number) {
    const position = this.positions[number];
    if (!position) {
      say(this._now, "");
      fill(/** @type {Element} */ (this._facts.lastElementChild));
      return;
    }
    this._slider.value = String(number);
    this._slider.setAttribute("aria-valuetext", clock(position.fixTime));
    this._marker.setLatLng([position.latitude, position.longitude]);
    this._plot?.mark(number);
    say(this._now, `${clock(position.fixTime)} · ${speed(position.speed)} · ${course(position.course)}`);
    if (!this._playing) fill(/** @type {Element} */ (this._facts.lastElementChild), positionFacts(position));
    if (this._playing && !this.map.sees(this._marker.getLatLng())) this.map.center(this._marker.getLatLng());
  }

  _toggle() {
    if (this._playing) {
      this._stop();
      return;
    }
    if (Number(this._slider.value) >= this.positions.length - 1) this._to(0);
    fill(this._play, icon("pause"));
    this._playing = setInterval(() => {
      const next = Number(this._slider.value) + 1;
      if (next >= this.positions.length) this._stop();
      else this._to(next);
    }, STEP);
  }

  _stop() {
    clearInterval(this._playing);
    this._playing = 0;
    fill(this._play, icon("play"));
    this._to(Number(this._slider.value));
  }

  remove() {
    this._asked += 1;
    clearInterval(this._playing);
    removeEventListener("themed", this._themed);
    this._plot?.remove();
    this.layer.remove();
    this.place.hidden = true;
    fill(this.place);
    this.map.showTrail(this.map.trailing);
    this.map.markers.hidden = false;
    this.map.markers.ask();
  }
}

/** Metres between two positions. @param {any} one @param {any} other */
const step = (one, other) => L.latLng(one.latitude, one.longitude).distanceTo([other.latitude, other.longitude]);
