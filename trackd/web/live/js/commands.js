/** Commands to a device: the fields that each type needs, and what became of those that were sent. */

import { api } from "./api.js";
import { dialog, fieldOf, problem } from "./dialog.js";
import { fill, h, say } from "./dom.js";
import { fleet, happened, moved } from "./fleet.js";
import { icon } from "./icons.js";
import { may } from "./may.js";
import { clock } from "./units.js";
import { t, word } from "./words.js";

/** Milliseconds between two looks at the queue. */
const PAUSE = 3000;

/** The fields of each type: names of attributes. */
const FIELDS = {
  custom: ["data"],
  silenceTime: ["data"],
  setPhonebook: ["data"],
  voiceMessage: ["data"],
  setIndicator: ["data"],
  configuration: ["data"],
  setOdometer: ["data"],
  alarmClock: ["data"],
  alarmSpeed: ["data"],
  alarmVibration: ["data"],
  firmwareUpdate: ["data"],
  positionPeriodic: ["frequency"],
  setTimezone: ["timezone"],
  sendSms: ["phone", "message"],
  message: ["message"],
  sendUssd: ["phone"],
  sosNumber: ["index", "phone"],
  outputControl: ["index", "data"],
  voiceMonitoring: ["enable"],
  setAgps: ["enable"],
  modePowerSaving: ["enable"],
  modeDeepSleep: ["enable"],
  alarmBattery: ["enable"],
  alarmSos: ["enable"],
  alarmRemove: ["enable"],
  alarmFall: ["enable"],
  setConnection: ["server", "port"],
  alarmGeofence: ["radius"],
  videoStart: ["index"],
  videoStop: ["index"],
};
const KINDS = {
  data: { kind: "textarea" },
  frequency: { kind: "number", least: 0, step: "1" },
  timezone: {},
  phone: { mode: "tel" },
  message: { kind: "textarea" },
  index: { kind: "number", least: 0, step: "1" },
  enable: { kind: "flag" },
  server: {},
  port: { kind: "number", least: 1, most: 65535, step: "1" },
  radius: { kind: "number", least: 0 },
};
/** What cannot be undone from here. */
const GRAVE = new Set(["engineStop", "powerOff", "factoryReset", "firmwareUpdate", "setConnection"]);

/** @param {any} device */
export async function commandDialog(device) {
  const status = h("ul.plain.sent", { "aria-live": "polite" });
  const made = dialog(t("command.to", { name: device.name }), [h("p.quiet", {}, t("wait"))], {
    onclose: () => watch.end(),
  });
  const watch = new Watch(device, status);
  let types = [],
    saved = [],
    zones = [];
  try {
    [types, saved] = await Promise.all([
      may.commandFreely() ? api.get("commands/types", { deviceId: device.id }) : [],
      api.get("commands/send", { deviceId: device.id }),
    ]);
    if (types.some((/** @type {any} */ one) => one.type === "setTimezone")) zones = await api.get("server/timezones");
  } catch (error) {
    fill(made.body, h("p.problem", { role: "alert" }, problem(error)));
    return;
  }
  if (!types.length && !saved.length) {
    fill(made.body, h("p", {}, t("command.none")), status);
    return;
  }
  const choices = [
    ...saved.map((/** @type {any} */ one) => [`saved ${one.id}`, one.description]),
    ...types.map((/** @type {any} */ one) => [one.type, word("command", one.type)]),
  ];
  const type = fieldOf({
    name: "type",
    label: t("command.type"),
    kind: "select",
    choices: /** @type {any} */ (choices),
    value: choices[0][0],
  });
  const fields = h("div"),
    wrong = h("p.problem", { role: "alert", hidden: true }),
    grave = h("p.notice", { hidden: true }, t("command.grave"));
  const button = h("button.strong", { type: "submit" }, icon("send"), t("command.send"));
  /** @type {{ name: string, read: () => any }[]} */
  let parts = [];

  function chosen() {
    const names = FIELDS[type.read()] ?? [];
    parts = names.map((/** @type {string} */ name) => {
      const list = name === "timezone" ? zones : undefined;
      return {
        name,
        ...fieldOf({
          name,
          label: t(`command.${name}`),
          required: name !== "enable",
          value: name === "enable" ? true : null,
          list,
          ...KINDS[name],
        }),
      };
    });
    fill(
      fields,
      parts.map((part) => /** @type {any} */ (part).row),
    );
    grave.hidden = !GRAVE.has(type.read());
  }

  async function send(/** @type {Event} */ event) {
    event.preventDefault();
    button.disabled = true;
    wrong.hidden = true;
    const which = type.read(),
      number = /^saved (\d+)$/.exec(which);
    const attributes = Object.fromEntries(
      parts.map((part) => [part.name, part.read()]).filter(([, value]) => value !== null),
    );
    try {
      const body = number
        ? { id: Number(number[1]), deviceId: device.id }
        : { deviceId: device.id, type: which, attributes };
      const answer = await api.send("commands/send", body);
      const label = /** @type {any} */ (choices.find(([value]) => value === which))[1];
      watch.add(label, answer.status === 202 ? answer.value.id : null);
    } catch (error) {
      fill(wrong, problem(error));
      wrong.hidden = false;
    } finally {
      button.disabled = false;
    }
  }
  type.input.addEventListener("change", chosen);
  chosen();
  fill(made.body, h("form", { onsubmit: send }, type.row, fields, grave, wrong, h("footer", {}, button)), status);
  type.input.focus();
  watch.begin();
}

/**
 * What became of commands: those that wait are looked at again and again, and results come with positions and events.
 */
class Watch {
  /** @param {any} device @param {HTMLElement} list */
  constructor(device, list) {
    this.device = device;
    this.list = list;
    /** @type {{ queued: number | null, words: Element, row: HTMLElement }[]} */
    this.sent = [];
    this._timer = 0;
    this._result = fleet.positions.get(device.id)?.attributes.result;
    this._off = [
      moved.on((ids) => ids.has(device.id) && this._look(fleet.positions.get(device.id))),
      happened.on(
        (event) =>
          event.deviceId === device.id && event.type === "commandResult" && this._said(event.attributes.result),
      ),
    ];
  }

  /** What waits already. */
  async begin() {
    const waiting = await this._waiting();
    for (const one of waiting ?? []) this.add(word("command", one.type), one.id, one.failure);
  }

  /** @param {string} label @param {number | null} queued its number in the queue @param {string | null} [failure] */
  add(label, queued, failure = null) {
    const words = h("span.words"),
      row = h("li", {}, h("b", {}, label), " ", h("time.quiet", {}, clock(Date.now())), words);
    this.list.prepend(row);
    this.sent.unshift({ queued, words, row });
    this._tell(this.sent[0], failure ? "failed" : queued === null ? "sent" : "waiting", failure);
    if (queued !== null && !this._timer) this._timer = setInterval(() => this._again(), PAUSE);
  }

  /** @param {any} one @param {"sent" | "waiting" | "failed" | "answered"} state @param {string | null} [more] */
  _tell(one, state, more) {
    one.row.className = state;
    say(one.words, t(`command.${state}`) + (more ? ` ${more}` : ""));
  }

  /** The device's queue; null: the server does not tell. */
  async _waiting() {
    try {
      return await api.get("trackd/commands", { deviceId: this.device.id });
    } catch {
      return null;
    }
  }

  async _again() {
    const waiting = await this._waiting();
    if (!waiting) return;
    for (const one of this.sent.filter(({ queued }) => queued !== null)) {
      const found = waiting.find((/** @type {any} */ row) => row.id === one.queued);
      if (!found) {
        one.queued = null;
        this._tell(one, "sent");
      } else if (found.failure) this._tell(one, "failed", found.failure);
    }
    if (!this.sent.some(({ queued }) => queued !== null)) {
      clearInterval(this._timer);
      this._timer = 0;
    }
  }

  /** @param {any} position */
  _look(position) {
    const result = position?.attributes.result;
    if (result !== undefined && result !== this._result) this._said(result);
    this._result = result;
  }

  /** @param {any} result */
  _said(result) {
    const last = this.sent.find(({ queued, row }) => queued === null && row.className === "sent");
    if (last) this._tell(last, "answered", String(result));
  }

  end() {
    clearInterval(this._timer);
    for (const off of this._off) off();
  }
}
