/** The list of devices: as many rows as can be seen, however many devices there are. */

import { attribute, fill, h, say } from "./dom.js";
import { fleet, listed, moved } from "./fleet.js";
import { icon, pictureOf } from "./icons.js";
import { deviceDialog, groupsDialog } from "./device.js";
import { may } from "./may.js";
import { alarmOf, inWords, stateOf, states } from "./state.js";
import { attributeValue } from "./units.js";
import { link } from "./way.js";
import { language, t } from "./words.js";

/** Pixels of a row, and rows beyond the edges. */
const HEIGHT = 60;
const BEYOND = 4;
/** Milliseconds between two looks at what has changed: numbers that change faster cannot be read. */
const PAUSE = 250;

export class DeviceList {
  /** @param {HTMLElement} place @param {{ filtered: () => void }} options */
  constructor(place, { filtered }) {
    this._filtered = filtered;
    this.text = "";
    this.state = "";
    this.group = 0;
    this.chosen = null;
    /** @type {any[]} */
    this._shown = [];
    /** @type {Set<number>} */
    this._wanted = new Set();
    this._rows = new Map();
    this._search = h("input", {
      type: "search",
      placeholder: t("list.search"),
      "aria-label": t("list.search"),
      oninput: () => this._asked(),
    });
    this._chips = h("div.chips", { role: "group", "aria-label": t("list.filter") });
    this._groups = h("select", { "aria-label": t("list.group"), onchange: () => this._asked() });
    this._space = h("div.rows", { role: "list", "aria-label": t("devices") });
    this._scroll = h(
      "div.scroll",
      { onscroll: () => this._draw(), onkeydown: (/** @type {KeyboardEvent} */ event) => this._key(event) },
      this._space,
    );
    this._none = h("p.none", { hidden: true }, t("list.none"));
    this._count = h("p.quiet", { role: "status" });
    const add =
      may.addDevices() &&
      h(
        "button.strong.icon-only",
        { type: "button", title: t("device.add"), "aria-label": t("device.add"), onclick: () => deviceDialog() },
        icon("add"),
      );
    const groups =
      may.change() &&
      h(
        "button.icon-only",
        { type: "button", title: t("groups.edit"), "aria-label": t("groups.edit"), onclick: groupsDialog },
        icon("group"),
      );
    fill(
      place,
      h(
        "div.list-head",
        {},
        h("div.search-line", {}, h("div.search", {}, icon("search"), this._search), add),
        h("div.search-line", {}, this._groups, groups),
        this._chips,
      ),
      this._scroll,
      this._none,
      this._count,
    );
    this._order = new Intl.Collator(language, { numeric: true });
    /** @type {number[] | null} ids by name; null: to be sorted anew */
    this._sorted = null;
    this._off = [
      listed.on(() => {
        this._sorted = null;
        this.refresh();
      }),
      moved.on(() => this._later()),
    ];
    this._sizes = new ResizeObserver(() => this._draw());
    this._sizes.observe(this._scroll);
    this._tick = setInterval(() => this.refresh(), 15_000);
    this.refresh();
  }

  /** @param {number} id */
  wants(id) {
    return this._wanted.has(id);
  }

  _asked() {
    this.text = this._search.value.trim().toLocaleLowerCase();
    this.group = Number(this._groups.value);
    this._scroll.scrollTop = 0;
    this.refresh();
    this._filtered();
  }

  _later() {
    if (!this._soon) {
      this._soon = setTimeout(() => {
        this._soon = 0;
        this.refresh();
      }, PAUSE);
    }
  }

  /** Work out anew what is to be seen. */
  refresh() {
    const counts = new Map(states.map((state) => [state, 0]));
    this._sorted ??= [...fleet.devices.values()]
      .sort((one, other) => this._order.compare(one.name, other.name))
      .map((device) => device.id);
    const found = [],
      below = this.group ? belowGroup(this.group) : null;
    for (const id of this._sorted) {
      const device = fleet.devices.get(id);
      if (!device || (below && !below.has(device.groupId))) continue;
      if (
        this.text &&
        ![device.name, device.uniqueId, device.model, device.phone, device.contact].some(
          (text) => text && text.toLocaleLowerCase().includes(this.text),
        )
      )
        continue;
      const state = stateOf(device);
      counts.set(state, (counts.get(state) ?? 0) + 1);
      if (!this.state || state === this.state) found.push(device);
    }
    const before = this._wanted;
    this._shown = found;
    this._wanted = new Set(found.map((device) => device.id));
    this._drawHead(counts);
    this._none.hidden = found.length > 0 || fleet.devices.size === 0;
    say(this._count, t("list.count", { n: found.length, of: fleet.devices.size }));
    this._draw();
    if (this.state && (before.size !== this._wanted.size || found.some((device) => !before.has(device.id))))
      this._filtered();
  }

  /** @param {Map<string, number>} counts */
  _drawHead(counts) {
    const groups = [...fleet.groups.values()].map((group) => `${group.id} ${group.name}`).join("\n");
    if (groups !== this._groupsShown) {
      this._groupsShown = groups;
      fill(
        this._groups,
        h("option", { value: "0" }, t("list.groups.all")),
        [...fleet.groups.values()].map((group) =>
          h("option", { value: String(group.id), selected: group.id === this.group }, group.name),
        ),
      );
    }
    if (!this._chips.childElementCount) {
      this._chips.append(
        ...["", ...states].map((state) => {
          const chip = h(
            "button.chip",
            { type: "button", "data-state": state, onclick: () => this._choose(state) },
            state && h("span.dot", { class: state }),
            h("span", {}, state ? t(`state.${state}`) : t("list.all")),
            h("b", {}),
          );
          return chip;
        }),
      );
    }
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
    for (const chip of this._chips.children) {
      const state = chip.getAttribute("data-state"),
        count = state ? counts.get(state) : all;
      say(chip.querySelector("b"), String(count));
      attribute(chip, "aria-pressed", state === this.state ? "true" : "false");
      chip.hidden = Boolean(state) && !count && state !== this.state;
    }
  }

  /** @param {string} state */
  _choose(state) {
    this.state = state === this.state ? "" : state;
    this._asked();
  }

  _draw() {
    const top = this._scroll.scrollTop,
      high = this._scroll.clientHeight;
    const from = Math.max(0, Math.floor(top / HEIGHT) - BEYOND),
      to = Math.min(this._shown.length, Math.ceil((top + high) / HEIGHT) + BEYOND);
    this._space.style.height = `${this._shown.length * HEIGHT}px`;
    const seen = new Set();
    for (let number = from; number < to; number += 1) {
      const device = this._shown[number];
      seen.add(device.id);
      let row = this._rows.get(device.id);
      if (!row) {
        row = makeRow(device.id);
        this._rows.set(device.id, row);
        this._space.append(row.element);
      }
      row.element.style.transform = `translateY(${number * HEIGHT}px)`;
      attribute(row.element, "aria-posinset", number + 1);
      attribute(row.element, "aria-setsize", this._shown.length);
      row.number = number;
      showRow(row, device, device.id === this.chosen);
    }
    for (const [id, row] of this._rows) {
      if (!seen.has(id)) {
        row.element.remove();
        this._rows.delete(id);
      }
    }
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const focused = [...this._rows.values()].find((row) => row.element.contains(document.activeElement));
    const number = Math.max(0, Math.min(this._shown.length - 1, (focused?.number ?? -1) + step));
    this._show(number);
    this._rows.get(this._shown[number]?.id)?.button.focus();
  }

  /** @param {number} number */
  _show(number) {
    const top = number * HEIGHT;
    if (top < this._scroll.scrollTop) this._scroll.scrollTop = top;
    else if (top + HEIGHT > this._scroll.scrollTop + this._scroll.clientHeight)
      this._scroll.scrollTop = top + HEIGHT - this._scroll.clientHeight;
    this._draw();
  }

  /** @param {number | null} id */
  choose(id) {
    this.chosen = id;
    const number = this._shown.findIndex((device) => device.id === id);
    if (number >= 0) this._show(number);
    else this._draw();
  }

  remove() {
    for (const off of this._off) off();
    this._sizes.disconnect();
    clearInterval(this._tick);
    clearTimeout(this._soon);
  }
}

/** The group and all groups below it. @param {number} id @returns {Set<number>} */
export function belowGroup(id) {
  const found = new Set([id]);
  for (let grown = true; grown;) {
    grown = false;
    for (const group of fleet.groups.values()) {
      if (found.has(group.groupId) && !found.has(group.id)) {
        found.add(group.id);
        grown = true;
      }
    }
  }
  return found;
}

/** @param {number} id */
function makeRow(id) {
  const picture = h("span.badge"),
    name = h("span.name"),
    words = h("span.words"),
    more = h("span.more");
  const button = h("a.row", { href: link("device", id) }, picture, h("span.texts", {}, name, words), more);
  return {
    element: h("div.row-place", { role: "listitem" }, button),
    button,
    picture,
    name,
    words,
    more,
    number: 0,
    shown: "",
  };
}

/** @param {any} row @param {any} device @param {boolean} chosen */
function showRow(row, device, chosen) {
  const state = stateOf(device),
    alarm = alarmOf(device),
    battery = fleet.positions.get(device.id)?.attributes.batteryLevel;
  say(row.name, device.name);
  say(row.words, alarm ? `${attributeValue("alarm", alarm)} · ${inWords(device)}` : inWords(device));
  say(row.more, typeof battery === "number" ? attributeValue("batteryLevel", battery) : "");
  attribute(row.button, "aria-current", chosen ? "true" : null);
  row.words.classList.toggle("alarm", Boolean(alarm));
  const shown = `${state} ${device.category}`;
  if (shown !== row.shown) {
    row.shown = shown;
    row.picture.className = `badge ${state}`;
    fill(row.picture, icon(pictureOf(device.category)));
  }
  row.button.classList.toggle("off", device.disabled);
}
