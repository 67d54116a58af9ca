/** The settings in force, where each comes from, and what it means. */

import { api } from "./api.js";
import { fill, h } from "./dom.js";
import { tableOf } from "./table.js";
import { t } from "./words.js";

/** @type {import("./server.js").Page} */
export const settings = {
  async draw(place) {
    const rows = await api.get("trackd/settings"),
      list = h("div");
    const search = h("input", {
      type: "search",
      placeholder: t("settings.search"),
      "aria-label": t("settings.search"),
      oninput: () => draw(),
    });
    const changed = h("input", { type: "checkbox", id: "changed", onchange: () => draw() });
    const headings = ["settings.key", "settings.value", "settings.origin", "settings.meaning"].map((key) => t(key));
    const draw = () => {
      const text = search.value.trim().toLowerCase();
      const found = rows.filter(
        (/** @type {any} */ row) =>
          (!changed.checked || row.origin !== "default") && `${row.name} ${row.meaning}`.toLowerCase().includes(text),
      );
      fill(
        list,
        found.length === 0
          ? h("p.none", {}, t("list.none"))
          : tableOf(
              headings,
              found.map((/** @type {any} */ row) => [
                h("code", {}, row.name),
                h("code", {}, row.value),
                row.origin === "default" ? t("settings.default") : row.origin,
                row.meaning,
              ]),
              { marked: (at) => found[at].origin !== "default" },
            ),
      );
    };
    draw();
    fill(
      place,
      h("p.quiet", {}, t("settings.lead")),
      h("div.buttons", {}, search, h("span.flag", {}, changed, h("label", { for: "changed" }, t("settings.changed")))),
      list,
    );
  },
};
