/** What the server is doing: its figures, those with a limit as bars. */

import { api } from "./api.js";
import { fill, h } from "./dom.js";
import { tableOf } from "./table.js";
import { age, duration, number, size } from "./units.js";
import { t } from "./words.js";

/** @type {import("./server.js").Page} */
export const standing = {
  alive: true,
  async draw(place) {
    const [state, server] = await Promise.all([api.get("trackd/state"), api.get("server")]);
    const figures = new Map(state.figures.map((/** @type {any} */ figure) => [figure.name, figure]));
    const value = (/** @type {string} */ name) =>
      figures.get(name)?.values.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.value, 0) ?? 0;
    const bounded = state.figures.filter(
      (/** @type {any} */ figure) => figures.has(`${figure.name}_limit`) && figure.values.length,
    );
    const formats = rowsOf(figures);
    fill(
      place,
      h(
        "div.tiles-row",
        {},
        tile(
          t("state.database"),
          t(state.database ? "state.database.there" : "state.database.away"),
          state.database ? "" : "bad",
        ),
        tile(t("state.version"), state.version),
        tile(t("state.since"), duration(Date.now() - Date.parse(state.since))),
        tile(t("state.memory"), size(value("process_resident_memory_bytes"))),
        tile(t("state.reports"), number(value("trackd_reports_total"))),
        tile(t("state.refused"), number(value("trackd_quarantined_total"))),
        server.storageSpace &&
          tile(t("state.storage"), `${size(server.storageSpace[0])} / ${size(server.storageSpace[1])}`),
      ),
      h("h2", {}, t("state.limits")),
      h(
        "ul.plain.bars",
        {},
        bounded.flatMap((/** @type {any} */ figure) =>
          figure.values.map((/** @type {any} */ one) =>
            bar(figure, one, figures.get(`${figure.name}_limit`).values[0].value),
          ),
        ),
      ),
      formats.length > 0 && [
        h("h2", {}, t("state.formats")),
        tableOf(
          ["ports.format", "state.open", "state.reports", "state.bad"].map((key) => t(key)),
          formats.map(([name, open, reports, bad]) => [name, number(open), number(reports), number(bad)]),
        ),
      ],
      h("p.quiet", {}, t("state.now", { age: age(Date.now() - Date.parse(state.now)) })),
    );
  },
};

/** @param {string} name @param {string} value @param {string} [kind] */
const tile = (name, value, kind = "") => h("div.tile", { class: kind }, h("b", {}, value), h("span", {}, name));

/** @param {any} figure @param {any} one @param {number} most */
function bar(figure, one, most) {
  const labels = Object.values(one.labels).join(", "),
    meter = h("meter", { min: 0, max: most || 1, high: most * 0.8, value: one.value });
  meter.setAttribute("aria-label", figure.meaning);
  const name = figure.name.replace(/^trackd_/, "").replaceAll("_", " ");
  return h(
    "li",
    {},
    h("span", {}, h("b", {}, name, labels && ` (${labels})`), h("small", {}, figure.meaning)),
    meter,
    h("span.quiet", {}, `${number(one.value)} / ${number(most)}`),
  );
}

/** @param {Map<string, any>} figures @returns {[string, number, number, number][]} formats with anything to tell */
function rowsOf(figures) {
  const by = (/** @type {string} */ name) =>
    new Map((figures.get(name)?.values ?? []).map((/** @type {any} */ one) => [one.labels.format, one.value]));
  const open = by("trackd_connections_open"),
    reports = by("trackd_reports_total"),
    bad = by("trackd_bad_frames_total"),
    total = by("trackd_connections_total"),
    bytes = by("trackd_received_bytes_total");
  return [...reports.keys()]
    .filter((name) => total.get(name) || bytes.get(name) || reports.get(name))
    .sort()
    .map((name) => [name, open.get(name) ?? 0, reports.get(name) ?? 0, bad.get(name) ?? 0]);
}
