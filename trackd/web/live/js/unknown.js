/** Devices that have called and that nobody knows: one click makes them known. */

import { api } from "./api.js";
import { deviceDialog } from "./device.js";
import { attempt } from "./dialog.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { tableOf } from "./table.js";
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
    const headings = [
      "device.uniqueId",
      "position.protocol",
      "unknown.from",
      "unknown.last",
      "unknown.count",
      "unknown.frame",
    ].map((key) => t(key));
    fill(
      place,
      h("p.quiet", {}, t("unknown.lead")),
      rows.length === 0
        ? h("p.none", {}, t("unknown.none"))
        : tableOf(
            headings,
            rows.map((/** @type {any} */ row) => [
              row.uniqueId,
              row.protocol,
              row.address,
              h("time", { title: time(row.lastSeen) }, age(Date.now() - Date.parse(row.lastSeen))),
              number(row.count),
              h(
                "code",
                { title: row.lastFrame },
                row.lastFrame.length > FRAME ? `${row.lastFrame.slice(0, FRAME)}…` : row.lastFrame,
              ),
              [
                h(
                  "button.strong",
                  {
                    type: "button",
                    "aria-label": `${t("add")} ${row.uniqueId}`,
                    onclick: () => deviceDialog(null, { uniqueId: row.uniqueId, made: () => forget(row) }),
                  },
                  icon("add"),
                  t("add"),
                ),
                h(
                  "button.icon-only",
                  {
                    type: "button",
                    "aria-label": `${t("unknown.forget")} ${row.uniqueId}`,
                    onclick: () => forget(row).then(again),
                  },
                  icon("trash"),
                ),
              ],
            ]),
          ),
    );
  },
};

/** @param {any} row */
const forget = (row) => attempt(() => api.remove("trackd/unknown", { query: { uniqueId: row.uniqueId } }));
