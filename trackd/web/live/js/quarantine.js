/** Reports that the database has refused: why, what they say, and another try. */

import { api } from "./api.js";
import { attempt, confirmed, dialog, notice } from "./dialog.js";
import { fill, h } from "./dom.js";
import { fleet } from "./fleet.js";
import { icon } from "./icons.js";
import { tableOf } from "./table.js";
import { time } from "./units.js";
import { t } from "./words.js";

/** @type {import("./server.js").Page} */
export const quarantine = {
  alive: true,
  async draw(place) {
    const { total, reports } = await api.get("trackd/quarantine");
    const again = () => attempt(() => quarantine.draw(place));
    const headings = ["quarantine.received", "device", "position.protocol", "quarantine.reason"].map((key) => t(key));
    fill(
      place,
      h("p.quiet", {}, t("quarantine.lead")),
      reports.length === 0
        ? h("p.none", {}, t("quarantine.none"))
        : [
            h("p", {}, t("list.count", { n: reports.length, of: total })),
            tableOf(
              headings,
              reports.map((/** @type {any} */ row) => [
                time(row.received),
                fleet.devices.get(row.deviceId)?.name ?? row.deviceId,
                row.protocol ?? "",
                row.reason,
                [
                  h("button", { type: "button", onclick: () => look(row) }, t("quarantine.show")),
                  h("button", { type: "button", onclick: () => retry(row).then(again) }, t("again")),
                  h(
                    "button.icon-only",
                    {
                      type: "button",
                      "aria-label": `${t("delete")} ${row.id}`,
                      onclick: () => remove(row).then(again),
                    },
                    icon("trash"),
                  ),
                ],
              ]),
            ),
          ],
    );
  },
};

/** @param {any} row */
function look(row) {
  dialog(
    t("quarantine.report", { id: row.id }),
    [
      h("p", {}, row.reason),
      h("h3", {}, t("quarantine.says")),
      h("pre", {}, pretty(row.report)),
      row.frame && [h("h3", {}, t("unknown.frame")), h("pre", {}, row.frame)],
    ],
    { wide: true },
  );
}

/** @param {any} row */
const retry = (row) =>
  attempt(async () => {
    await api.post(`trackd/quarantine/${row.id}/retry`);
    notice(t("quarantine.stored"));
  });

/** @param {string} text */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** @param {any} row */
async function remove(row) {
  if (await confirmed(t("quarantine.delete"), t("quarantine.delete.sure"), t("delete")))
    await attempt(() => api.remove(`trackd/quarantine/${row.id}`));
}
