/** A link with which anybody sees one device, until it expires. */

import { api, root } from "./api.js";
import { attempt, dialog, fieldOf, notice, problem } from "./dialog.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { time } from "./units.js";
import { t } from "./words.js";

const HOUR = 3_600_000;

/** @param {any} device */
export function shareDialog(device) {
  const length = fieldOf({
    name: "hours",
    label: t("share.for"),
    kind: "select",
    value: 24,
    choices: [
      [1, t("share.hour")],
      [24, t("share.day")],
      [168, t("share.week")],
      [720, t("share.month")],
    ],
  });
  const wrong = h("p.problem", { role: "alert", hidden: true }),
    result = h("div");
  const made = dialog(t("share.title", { name: device.name }), [
    h(
      "form",
      {
        async onsubmit(event) {
          event.preventDefault();
          wrong.hidden = true;
          const expiration = new Date(Date.now() + Number(length.read()) * HOUR);
          try {
            const token = await api.text("share/device", {
              form: { deviceId: device.id, expiration: expiration.toISOString() },
            });
            showLink(result, token, expiration);
          } catch (error) {
            fill(wrong, problem(error));
            wrong.hidden = false;
          }
        },
      },
      h("p.quiet", {}, t("share.hint")),
      length.row,
      wrong,
      h("footer", {}, h("button.strong", { type: "submit" }, icon("share"), t("share.make"))),
    ),
    result,
  ]);
  return made;
}

/** @param {HTMLElement} place @param {string} token @param {Date} until */
function showLink(place, token, until) {
  // The page's own address: with another web client at the root, ours is somewhere else.
  const url = new URL(location.pathname, root);
  url.search = new URLSearchParams({ token }).toString();
  const field = h("input", {
    type: "text",
    readOnly: true,
    value: url.href,
    "aria-label": t("share.link"),
    onfocus: () => field.select(),
  });
  fill(
    place,
    h(
      "div.copy",
      {},
      field,
      h(
        "button",
        {
          type: "button",
          onclick: () =>
            attempt(async () => {
              await navigator.clipboard.writeText(url.href);
              notice(t("share.copied"));
            }),
        },
        icon("copy"),
        t("share.copy"),
      ),
    ),
    h("p.quiet", {}, t("share.until", { time: time(until) })),
  );
  field.focus();
}
