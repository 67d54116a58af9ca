/** Tables; on a narrow screen each row stands for itself, with the headings beside its cells. */

import { h } from "./dom.js";

/**
 * @param {string[]} headings
 * @param {any[][]} rows cells by heading, the first one being the row's own; one more cell holds what can be done
 * @param {{ marked?: (number: number) => boolean }} [options]
 * @returns {HTMLElement}
 */
export function tableOf(headings, rows, { marked = () => false } = {}) {
  const acts = rows.some((row) => row.length > headings.length);
  return h(
    "div.table",
    {},
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          headings.map((heading) => h("th", { scope: "col" }, heading)),
          acts && h("th", { scope: "col" }),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row, at) =>
          h(
            "tr",
            { class: marked(at) ? "set" : "" },
            row.map((cell, number) => {
              if (number === 0) return h("th", { scope: "row", "data-label": headings[0] }, cell);
              return number < headings.length
                ? h("td", { "data-label": headings[number] }, cell)
                : h("td.acts", {}, cell);
            }),
          ),
        ),
      ),
    ),
  );
}
