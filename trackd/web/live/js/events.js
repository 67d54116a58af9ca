/** Events as they come: in words, and the list of the latest. */

import { api } from "./api.js";
import { attempt, notice } from "./dialog.js";
import { fill, h } from "./dom.js";
import { fleet, happened, listed } from "./fleet.js";
import { icon } from "./icons.js";
import { may } from "./may.js";
import { attributeValue, clock, speed, time } from "./units.js";
import { link } from "./way.js";
import { t, word } from "./words.js";

/** What one is told of with one click. */
const USUAL = [
  "deviceOnline",
  "deviceOffline",
  "deviceMoving",
  "deviceStopped",
  "deviceOverspeed",
  "geofenceEnter",
  "geofenceExit",
  "ignitionOn",
  "ignitionOff",
  "commandResult",
  "queuedCommandSent",
];
/** Alarms are named one by one. */
const ALARMS =
  "general,sos,vibration,movement,overspeed,fallDown,lowPower,lowBattery,fault,powerOff,door,geofence,accident,tow," +
  "hardAcceleration,hardBraking,hardCornering,powerCut,jamming,temperature,tampering,removing";

/** An event in words. @param {any} event @param {boolean} [named] with the device's name */
export function eventWords(event, named = true) {
  const said = [named && fleet.devices.get(event.deviceId)?.name, word("event", event.type)];
  if (event.attributes.alarm) said.push(attributeValue("alarm", event.attributes.alarm));
  if (event.attributes.result) said.push(String(event.attributes.result));
  if (typeof event.attributes.speed === "number") said.push(speed(event.attributes.speed));
  if (event.geofenceId) said.push(fleet.geofences.get(event.geofenceId)?.name);
  if (event.type === "test") said.push(event.attributes.message);
  return said.filter(Boolean).join(" · ");
}

export class EventList {
  /** @param {HTMLElement} place */
  constructor(place) {
    this._list = h("ul.plain.events", { "aria-live": "off" });
    this._hint = h("div.hint");
    fill(place, h("h2", {}, t("events")), this._hint, this._list);
    this._off = [happened.on(() => this._draw()), listed.on(() => this._draw())];
    this._draw();
  }

  show() {
    if (!this._hint.childElementCount) this._ask();
  }

  _draw() {
    fill(
      this._list,
      fleet.events.map((event) =>
        h(
          "li",
          {},
          h(
            "a.row",
            { href: link("device", event.deviceId) },
            h(
              "span.texts",
              {},
              h("span.name", {}, eventWords(event)),
              h("time.words", { title: time(event.eventTime) }, clock(event.eventTime)),
            ),
          ),
        ),
      ),
    );
  }

  /** Events come only to who has asked for them: whether this user has. */
  async _ask() {
    let asked;
    try {
      asked = await api.get("notifications");
    } catch {
      return; // a server that has none, or a line that is down: nothing to offer
    }
    const some = asked.some((/** @type {any} */ one) => (one.notificators ?? "").split(",").includes("web"));
    fill(
      this._hint,
      some
        ? h("p.quiet", {}, t("events.wait"))
        : [
            h("p", {}, t("events.none")),
            may.change() &&
              h(
                "button",
                { type: "button", onclick: () => attempt(() => this._subscribe()) },
                icon("bell"),
                t("events.all"),
              ),
          ],
    );
  }

  async _subscribe() {
    for (const type of [...USUAL, "alarm"]) {
      await api.post("notifications", {
        type,
        notificators: "web",
        always: true,
        description: word("event", type),
        attributes: type === "alarm" ? { alarms: ALARMS } : {},
      });
    }
    notice(t("events.asked"));
    await this._ask();
  }

  remove() {
    for (const off of this._off) off();
  }
}
