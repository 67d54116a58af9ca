/** All that is known of the chosen device now, and what can be done with it. */

import { commandDialog } from "./commands.js";
import { confirmDelete, deviceDialog, whoSees } from "./device.js";
import { attribute, fill, h, say, selects } from "./dom.js";
import { testDialog } from "./first.js";
import { fleet, happened, listed, moved } from "./fleet.js";
import { eventWords } from "./events.js";
import { icon, pictureOf } from "./icons.js";
import { may } from "./may.js";
import { shareDialog } from "./share.js";
import { inWords, stateOf } from "./state.js";
import { altitude, attributeValue, course, distance, place, preference, speed, time } from "./units.js";
import { go } from "./way.js";
import { t, word } from "./words.js";

/** Events of the device that are shown. */
const MOST_EVENTS = 5;

export class Details {
  /** @param {HTMLElement} element @param {import("./map.js").MapView} map */
  constructor(element, map) {
    this.element = element;
    this.map = map;
    /** @type {number | null} */
    this.id = null;
    this._off = [
      moved.on((ids) => this.id !== null && ids.has(this.id) && this._update()),
      listed.on(() => this.id !== null && this.show(this.id)),
      happened.on((event) => event.deviceId === this.id && this._update()),
    ];
    this._tick = setInterval(() => this.id !== null && this._update(), 5000);
    map.onfollow = () => this._update();
  }

  /** @param {number | null} id */
  show(id) {
    const device = id !== null ? fleet.devices.get(id) : null;
    this.element.hidden = !device;
    const key = device
      ? JSON.stringify([
          device.id,
          device.name,
          device.category,
          device.groupId,
          device.model,
          device.phone,
          device.contact,
        ])
      : "";
    const same = key === this._key;
    this._key = key;
    this.id = device ? id : null;
    if (!device || same) return;
    this._words = h("p.words");
    this._place = h("div.facts");
    this._events = h("div");
    this._follow = this._act("follow", t("follow"), () => this.map.follow(!this.map.following));
    this._trail = this._act("trail", t("trail"), () => {
      this.map.showTrail(!this.map.trailing);
      this._update();
    });
    this._badge = h("span.badge", {}, icon(pictureOf(device.category)));
    fill(
      this.element,
      h(
        "header",
        {},
        this._badge,
        h("div.texts", {}, h("h2", {}, device.name), this._words),
        h(
          "button.plain.icon-only",
          { type: "button", "aria-label": t("close"), onclick: () => go("devices") },
          icon("close"),
        ),
      ),
      h("div.acts", { role: "group", "aria-label": t("acts") }, this._follow, this._trail, this._acts(device)),
      h("div.details-body", {}, this._events, this._place, this._about(device)),
    );
    this._update();
  }

  /** @param {any} picture @param {string} label @param {() => void} onclick */
  _act(picture, label, onclick) {
    return h("button.act", { type: "button", onclick, title: label }, icon(picture), h("span", {}, label));
  }

  /** @param {any} device */
  _acts(device) {
    return [
      may.seePast() && this._act("history", t("history"), () => go("device", device.id, "history")),
      this._act("send", t("command"), () => commandDialog(device)),
      may.share() && this._act("share", t("share"), () => shareDialog(device)),
      may.changeDevices() && this._act("edit", t("edit"), () => deviceDialog(device)),
      may.administer() && this._act("users", t("who"), () => whoSees(device)),
      may.changeDevices() && this._act("play", t("test"), () => testDialog(this.map, device)),
      may.changeDevices() && this._act("trash", t("delete"), () => confirmDelete(device)),
    ];
  }

  /** What users have said of it. @param {any} device */
  _about(device) {
    const rows = [
      [t("device.uniqueId"), device.uniqueId],
      [t("device.group"), fleet.groups.get(device.groupId)?.name],
      [t("device.model"), device.model],
      [t("device.phone"), device.phone],
      [t("device.contact"), device.contact],
      [t("device.category"), device.category && word("category", device.category)],
      [t("device.expires"), device.expirationTime && time(device.expirationTime)],
    ].filter(([, value]) => value);
    return [h("h3", {}, t("device")), table(rows)];
  }

  _update() {
    const device = this.id !== null ? fleet.devices.get(this.id) : null;
    if (!device) return;
    say(this._words, inWords(device));
    this._badge.className = `badge ${stateOf(device)}`;
    attribute(this._follow, "aria-pressed", this.map.following ? "true" : "false");
    attribute(this._trail, "aria-pressed", this.map.trailing ? "true" : "false");
    const position = fleet.positions.get(device.id);
    const key = position ? `${position.id} ${preference("speedUnit")}` : "";
    if (!this._place.childElementCount || (key !== this._shown && !selects(this._place))) {
      this._shown = key;
      fill(this._place, position ? positionFacts(position) : h("p.quiet", {}, t("details.none")));
    }
    const events = fleet.events.filter((event) => event.deviceId === device.id).slice(0, MOST_EVENTS);
    fill(
      this._events,
      events.length > 0 && [
        h("h3", {}, t("events")),
        h(
          "ul.plain",
          {},
          events.map((event) => h("li", {}, h("time", {}, time(event.eventTime)), " ", eventWords(event, false))),
        ),
      ],
    );
  }

  remove() {
    for (const off of this._off) off();
    clearInterval(this._tick);
  }
}

/** @param {[string, any][] | any[]} rows */
export const table = (rows) =>
  h(
    "dl",
    {},
    rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );

/** A position in words: the most asked for first, then every attribute. @param {any} position */
export function positionFacts(position) {
  const fences = (position.geofenceIds ?? [])
    .map((/** @type {number} */ id) => fleet.geofences.get(id)?.name)
    .filter(Boolean);
  const attributes = Object.entries(position.attributes);
  return [
    h(
      "div.tiles-row",
      {},
      tile(t("position.speed"), speed(position.speed)),
      tile(t("position.course"), course(position.course)),
      tile(t("position.altitude"), altitude(position.altitude)),
      "totalDistance" in position.attributes &&
        tile(word("attribute", "totalDistance"), distance(position.attributes.totalDistance)),
    ),
    h("h3", {}, t("position")),
    table(
      [
        [t("position.place"), place(position.latitude, position.longitude)],
        position.address && [t("position.address"), position.address],
        [t("position.fixTime"), time(position.fixTime)],
        position.deviceTime !== position.fixTime && [t("position.deviceTime"), time(position.deviceTime)],
        [t("position.serverTime"), time(position.serverTime)],
        [t("position.valid"), t(position.valid ? "yes" : "no")],
        position.accuracy > 0 && [t("position.accuracy"), altitude(position.accuracy)],
        fences.length > 0 && [t("fences"), fences.join(", ")],
        position.protocol && [t("position.protocol"), position.protocol],
      ].filter(Boolean),
    ),
    attributes.length > 0 && [
      h("h3", {}, t("attributes")),
      table(attributes.map(([name, value]) => [word("attribute", name), attributeValue(name, value)])),
    ],
  ];
}

/** @param {string} name @param {string} value */
const tile = (name, value) => h("div.tile", {}, h("b", {}, value), h("span", {}, name));
