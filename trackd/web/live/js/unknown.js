/** Devices that have called and that nobody knows: one click makes them known. */

import { api } from "./api.js";
import { deviceDialog } from "./device.js";
import { attempt } from "./dialog.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { age, number, time } from "./units.js";
import { t } from "./words.js";

/** Characters of a frame that are shown. */
const FRAME = 64;

/** @type {import("./server.js").Page} */
export const unknown = {
  alive: true,
  async draw(place) {
    const rows = await api.get("trackd/unknown");
    const again = () => attempt(() => unknown.draw(place));
    fill(place, h("p.quiet", {}, t("unknown.lead")), rows.length === 0 ? h("p.none", {}, t("unknown.none")) : h("div.table", {}, h("table", {},
      h("thead", {}, h("tr", {}, ["device.uniqueId", "position.protocol", "unknown.from", "unknown.last", "unknown.count", "unknown.frame"].map((key) => h("th", { scope: "col" }, t(key))), h("th", {}, ""))),
      h("tbody", {}, rows.map((/** @type {any} */ row) => h("tr", {},
        h("th", { scope: "row" }, row.uniqueId), h("td", {}, row.protocol), h("td", {}, row.address),
        h("td", {}, h("time", { title: time(row.lastSeen) }, age(Date.now() - Date.parse(row.lastSeen)))), h("td", {}, number(row.count)),
        h("td", {}, h("code", { title: row.lastFrame }, row.lastFrame.length > FRAME ? `${row.lastFrame.slice(0, FRAME)}…` : row.lastFrame)),
        h("td.acts", {},
          h("button.strong", { type: "button", "aria-label": `${t("add")} ${row.uniqueId}`, onclick: () => deviceDialog(null, { uniqueId: row.uniqueId, made: () => forget(row) }) }, icon("add"), t("add")),
          h("button.icon-only", { type: "button", "aria-label": `${t("unknown.forget")} ${row.uniqueId}`, onclick: () => forget(row).then(again) }, icon("trash")))))))));
  },
};

/** @param {any} row */
const forget = (row) => attempt(() => api.remove("trackd/unknown", { query: { uniqueId: row.uniqueId } }));
