/** The frame of the page: the bar, the panel beside the map, the map, what is known of the chosen device. */

import { accountButton } from "./account.js";
import { notice } from "./dialog.js";
import { Details } from "./details.js";
import { attribute, fill, h, say } from "./dom.js";
import { eventWords, EventList } from "./events.js";
import { showFirst } from "./first.js";
import { catchUp, fleet, happened, listed, readRest } from "./fleet.js";
import { FenceList } from "./fences.js";
import { History } from "./history.js";
import { icon } from "./icons.js";
import { DeviceList } from "./list.js";
import { MapView } from "./map.js";
import { may } from "./may.js";
import { ServerPages } from "./server.js";
import { line, now, retryNow } from "./socket.js";
import { go, here, link, went } from "./way.js";
import { t } from "./words.js";

/** @type {(() => void) | null} */
let taken = null;

/** Take the page away. */
export function leave() {
  taken?.();
  taken = null;
}

/**
 * Build the page for who has come in.
 * @param {HTMLElement} place @param {() => void} logout
 */
export async function show(place, logout) {
  leave();
  const places = {
    map: h("div.map", { tabIndex: 0 }),
    panel: h("section.panel", { "aria-label": t("devices") }),
    details: h("section.details", { hidden: true, "aria-label": t("details") }),
    history: h("section.history", { hidden: true, "aria-label": t("history") }),
    page: h("main.page", { hidden: true }),
    first: h("div.first", { hidden: true }),
  };
  const bar = makeBar(logout);
  fill(
    place,
    h(
      "a.skip",
      {
        href: "#panel",
        onclick: (/** @type {Event} */ event) => {
          event.preventDefault();
          places.panel.querySelector("input")?.focus();
        },
      },
      t("skip"),
    ),
    h(
      "div.frame",
      {},
      bar.element,
      places.panel,
      h("div.stage", {}, places.map, places.first, places.details, places.history, places.page),
    ),
  );
  await Promise.all([catchUp(), readRest()]);

  const map = new MapView(places.map);
  const devices = h("div.tab"),
    events = h("div.tab"),
    fences = h("div.tab");
  places.panel.append(devices, events, fences);
  const list = new DeviceList(devices, { filtered: () => map.markers.ask() });
  map.markers.wanted = (/** @type {number} */ id) => list.wants(id);
  const eventList = new EventList(events),
    fenceList = new FenceList(fences, map);
  const details = new Details(places.details, map),
    pages = new ServerPages(places.page);
  /** @type {History | null} */
  let history = null;

  function route() {
    const [part = "devices", ...rest] = here(),
      id = part === "device" ? Number(rest[0]) : NaN;
    const device = fleet.devices.get(id),
      tab = part === "events" ? events : part === "geofences" ? fences : devices;
    for (const one of [devices, events, fences]) one.hidden = one !== tab;
    attribute(places.panel, "aria-label", t(tab === events ? "events" : tab === fences ? "fences" : "devices"));
    const page = pages.show(part, rest);
    places.page.hidden = !page;
    bar.mark(part === "device" ? "devices" : page ? "server" : part);
    place.firstElementChild?.nextElementSibling?.setAttribute(
      "data-part",
      page ? "page" : part === "device" && device ? "device" : part === "map" ? "map" : "panel",
    );
    if (part === "geofences") fenceList.show();
    else fenceList.hide();
    if (part === "events") eventList.show();
    const past = device && rest[1] === "history";
    details.show(device && !past ? id : null);
    list.choose(device ? id : null);
    map.choose(device ? id : null, !past);
    if (!past || (history && history.id !== id)) {
      history?.remove();
      history = null;
    }
    if (past) {
      history ??= new History(places.history, map, id);
      history.show(rest[2]);
    }
    document.title = `${device ? `${device.name} – ` : ""}${fleet.server.attributes.title || "trackd"}`;
  }

  const off = [
    went.on(route),
    listed.on(() => {
      showFirst(places.first, map);
      if (here()[0] === "device" && !fleet.devices.has(Number(here()[1]))) go("devices");
    }),
    line.on(bar.showLine),
    happened.on((event) => notice(eventWords(event), { kind: "event", onclick: () => go("device", event.deviceId) })),
  ];
  const dark = matchMedia("(prefers-color-scheme: dark)"),
    recolour = () => map.recolour();
  dark.addEventListener("change", recolour);
  addEventListener("themed", recolour);
  bar.showLine(now);
  showFirst(places.first, map);
  route();
  taken = () => {
    for (const one of off) one();
    dark.removeEventListener("change", recolour);
    removeEventListener("themed", recolour);
    for (const one of [history, details, list, eventList, fenceList, pages, map]) one?.remove();
  };
}

/** The bar: where one may go, the state of the line, who is there. @param {() => void} logout */
function makeBar(logout) {
  const parts = [
    ["devices", "devices", t("devices")],
    ["events", "bell", t("events")],
    ["geofences", "fence", t("fences")],
    ...(may.administer() ? [["server", "server", t("server")]] : []),
  ];
  const links = parts.map(([name, picture, label]) =>
    h(
      "a.nav",
      { href: link(name), "data-part": name, title: label },
      icon(/** @type {any} */ (picture)),
      h("span", {}, label),
    ),
  );
  const map = h("a.nav.only-small", { href: link("map"), "data-part": "map" }, icon("pin"), h("span", {}, t("map")));
  const words = h("span", {}),
    live = h("button.line", { type: "button", onclick: retryNow }, h("i.lamp"), words);
  const account = accountButton(logout);
  const element = h(
    "header.bar",
    {},
    h("a.brand", { href: link("devices") }, icon("brand"), h("span", {}, fleet.server.attributes.title || "trackd")),
    h("nav", { "aria-label": t("parts") }, links[0], map, links.slice(1)),
    h("div.end", {}, h("div", { role: "status" }, live), account),
  );

  /** @param {import("./socket.js").Line} state */
  function showLine(state) {
    attribute(live, "data-line", state.name);
    live.disabled = state.name === "live";
    say(words, t(`line.${state.name}`));
    live.title = t(`line.${state.name}.more`);
  }
  return {
    element,
    showLine,
    /** @param {string} part */
    mark(part) {
      for (const one of [...links, map])
        attribute(one, "aria-current", one.getAttribute("data-part") === part ? "page" : null);
    },
  };
}
