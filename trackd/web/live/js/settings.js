/** The settings in force, where each comes from, and what it means. */

import { api } from "./api.js";
import { fill, h } from "./dom.js";
import { t } from "./words.js";

/** @type {import("./server.js").Page} */
export const settings = {
  async draw(place) {
    const rows = await api.get("trackd/settings"), body = h("tbody");
    const search = h("input", { type: "search", placeholder: t("settings.search"), "aria-label": t("settings.search"), oninput: () => draw() });
    const changed = h("input", { type: "checkbox", id: "changed", onchange: () => draw() });
    const draw = () => {
      const text = search.value.trim().toLowerCase();
      fill(body, rows.filter((/** @type {any} */ row) => (!changed.checked || row.origin !== "default") && `${row.name} ${row.meaning}`.toLowerCase().includes(text))
        .map((/** @type {any} */ row) => h("tr", { class: row.origin === "default" ? "" : "set" }, h("th", { scope: "row" }, h("code", {}, row.name)), h("td", {}, h("code", {}, row.value)),
          h("td", {}, row.origin === "default" ? t("settings.default") : row.origin), h("td", {}, row.meaning))));
    };
    draw();
    fill(place, h("p.quiet", {}, t("settings.lead")), h("div.buttons", {}, search, h("span.flag", {}, changed, h("label", { for: "changed" }, t("settings.changed")))),
      h("div.table", {}, h("table", {}, h("thead", {}, h("tr", {}, ["settings.key", "settings.value", "settings.origin", "settings.meaning"].map((key) => h("th", { scope: "col" }, t(key))))), body)));
  },
};
