/** The first minutes: what to do while there is no device, which port is whose, and a report made by hand. */

import { api, root } from "./api.js";
import { deviceDialog } from "./device.js";
import { attempt, dialog, fieldOf, notice, problem } from "./dialog.js";
import { fill, h } from "./dom.js";
import { fleet } from "./fleet.js";
import { icon } from "./icons.js";
import { may } from "./may.js";
import { place as words } from "./units.js";
import { link } from "./way.js";
import { t } from "./words.js";

/** Formats of the list that are shown at once. */
const MOST = 60;

/** @param {HTMLElement} place @param {import("./map.js").MapView} map */
export function showFirst(place, map) {
  const empty = fleet.devices.size === 0;
  if (!place.hidden === empty) return;
  place.hidden = !empty;
  if (!empty) {
    fill(place);
    return;
  }
  if (!may.addDevices()) {
    fill(place, h("div.card", {}, h("h2", {}, t("first.none")), h("p", {}, t("first.none.ask"))));
    return;
  }
  fill(
    place,
    h(
      "div.card",
      {},
      h("h2", {}, t("first.title")),
      h("p", {}, t("first.lead")),
      h(
        "ol.steps",
        {},
        h(
          "li",
          {},
          h("b", {}, t("first.add")),
          h("p", {}, t("first.add.more")),
          h(
            "button.strong",
            { type: "button", onclick: () => deviceDialog(null, { made: (device) => nextStep(map, device) }) },
            icon("add"),
            t("device.add"),
          ),
        ),
        h(
          "li",
          {},
          h("b", {}, t("first.point")),
          h("p", {}, t("first.point.more", { host: location.hostname })),
          h("button", { type: "button", onclick: portsDialog }, t("ports.show")),
        ),
        h("li", {}, h("b", {}, t("first.test")), h("p", {}, t("first.test.more"))),
      ),
      may.administer() &&
        h(
          "p.quiet",
          {},
          t("first.linked"),
          " ",
          h("a", { href: link("server", "users") }, t("users")),
          " · ",
          h("a", { href: link("server", "unknown") }, t("unknown")),
        ),
    ),
  );
}

/** The device is there: how its first report comes. @param {import("./map.js").MapView} map @param {any} device */
function nextStep(map, device) {
  const made = dialog(t("first.made", { name: device.name }), [
    h("p", {}, t("first.point.more", { host: location.hostname })),
    h(
      "footer",
      {},
      h(
        "button",
        {
          type: "button",
          onclick: () => {
            made.close();
            portsDialog();
          },
        },
        t("ports.show"),
      ),
      h(
        "button.strong",
        {
          type: "button",
          onclick: () => {
            made.close();
            testDialog(map, device);
          },
        },
        icon("play"),
        t("test"),
      ),
    ),
  ]);
}

/** Which port for which tracker. */
export async function portsDialog() {
  const formats = await attempt(() => api.get("trackd/formats"));
  if (!formats) return;
  const body = h("tbody"),
    more = h("p.quiet");
  const draw = (/** @type {string} */ text) => {
    const found = formats.filter((/** @type {any} */ one) => `${one.name} ${one.port}`.includes(text));
    fill(
      body,
      found
        .slice(0, MOST)
        .map((/** @type {any} */ one) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, one.name),
            h("td", {}, one.port),
            h("td", {}, [...one.transports, one.tls && "TLS"].filter(Boolean).join(", ")),
          ),
        ),
    );
    fill(more, t("list.count", { n: Math.min(found.length, MOST), of: formats.length }));
  };
  const search = h("input", {
    type: "search",
    placeholder: t("ports.search"),
    "aria-label": t("ports.search"),
    oninput: () => draw(search.value.trim().toLowerCase()),
  });
  draw("");
  dialog(t("ports.title"), [
    h("p", {}, t("ports.lead", { host: location.hostname })),
    search,
    h(
      "div.table",
      {},
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h("tr", {}, h("th", {}, t("ports.format")), h("th", {}, t("ports.port")), h("th", {}, t("ports.by"))),
        ),
        body,
      ),
    ),
    more,
  ]);
}

/** A report as a phone would send it, from this page. @param {import("./map.js").MapView} map @param {any} device */
export function testDialog(map, device) {
  const middle = map.map.getCenter().wrap(),
    known = fleet.positions.get(device.id);
  const begin =
    map.map.getZoom() >= 6
      ? [middle.lat, middle.lng]
      : known
        ? [known.latitude, known.longitude]
        : [middle.lat, middle.lng];
  const latitude = fieldOf({
    name: "latitude",
    label: t("position.latitude"),
    kind: "number",
    least: -90,
    most: 90,
    value: begin[0].toFixed(5),
    required: true,
  });
  const longitude = fieldOf({
    name: "longitude",
    label: t("position.longitude"),
    kind: "number",
    least: -180,
    most: 180,
    value: begin[1].toFixed(5),
    required: true,
  });
  const speed = fieldOf({ name: "speed", label: t("test.speed"), kind: "number", least: 0, most: 1000, value: 10 });
  const course = fieldOf({
    name: "course",
    label: t("position.course"),
    kind: "number",
    least: 0,
    most: 360,
    value: 90,
  });
  const wrong = h("p.problem", { role: "alert", hidden: true });
  const here = h(
    "button",
    {
      type: "button",
      onclick: () =>
        navigator.geolocation.getCurrentPosition(
          ({ coords }) => {
            latitude.input.value = coords.latitude.toFixed(5);
            longitude.input.value = coords.longitude.toFixed(5);
          },
          (error) => notice(error.message, { kind: "bad" }),
        ),
    },
    icon("follow"),
    t("test.here"),
  );
  const made = dialog(t("test.title", { name: device.name }), [
    h(
      "form",
      {
        async onsubmit(event) {
          event.preventDefault();
          wrong.hidden = true;
          try {
            await api.report({
              id: device.uniqueId,
              lat: latitude.read(),
              lon: longitude.read(),
              speed: speed.read() ?? 0,
              bearing: course.read() ?? 0,
              timestamp: Math.floor(Date.now() / 1000),
            });
            notice(t("test.sent", { place: words(latitude.read(), longitude.read()) }));
            map.map.setView([latitude.read(), longitude.read()], Math.max(map.map.getZoom(), 13), { animate: false });
            made.close();
          } catch (error) {
            fill(wrong, error.status === 404 || error.status === 405 ? t("test.off") : problem(error));
            wrong.hidden = false;
          }
        },
      },
      h("p.quiet", {}, t("test.hint", { url: new URL(root).host })),
      h("div.pair", {}, latitude.row, longitude.row),
      h("div.pair", {}, speed.row, course.row),
      wrong,
      h(
        "footer",
        {},
        "geolocation" in navigator && here,
        h("button.strong", { type: "submit" }, icon("play"), t("test.send")),
      ),
    ),
  ]);
}
