/** The user's own things: preferences, password, second factor, language, looks, and the way out. */

import { api } from "./api.js";
import { attempt, dialog, fieldOf, formDialog, notice, problem } from "./dialog.js";
import { fill, h } from "./dom.js";
import { fleet } from "./fleet.js";
import { icon } from "./icons.js";
import { remember } from "./login.js";
import { may } from "./may.js";
import { portsDialog } from "./first.js";
import { language, languages, t } from "./words.js";

const LOOKS = ["", "light", "dark"];

/** The looks that were chosen on this machine. */
function looks() {
  try {
    return localStorage.getItem("looks") ?? "";
  } catch {
    return "";
  }
}

/** @param {string} name */
function wear(name) {
  document.documentElement.dataset.looks = name;
  dispatchEvent(new Event("themed"));
}

wear(looks());

/** @param {() => void} logout */
export function accountButton(logout) {
  return h(
    "button.account",
    { type: "button", title: fleet.user.email, "aria-haspopup": "dialog", onclick: () => accountDialog(logout) },
    icon("person"),
    h("span", {}, fleet.user.name),
  );
}

/** @param {() => void} logout */
function accountDialog(logout) {
  const tongue = fieldOf({
    name: "language",
    label: t("language"),
    kind: "select",
    value: language,
    choices: Object.entries(languages).map(([tag, { name }]) => /** @type {[string, string]} */ ([tag, name])),
  });
  const look = fieldOf({
    name: "looks",
    label: t("looks"),
    kind: "select",
    value: looks(),
    choices: LOOKS.map((one) => [one, t(`looks.${one || "system"}`)]),
  });
  tongue.input.addEventListener("change", () => {
    remember(tongue.read());
    location.reload();
  });
  look.input.addEventListener("change", () => {
    try {
      localStorage.setItem("looks", look.read());
    } catch {
      // Without a memory it holds for this visit.
    }
    wear(look.read());
  });
  const own = !fleet.user.temporary && may.change();
  const then = (/** @type {() => any} */ what) => () => {
    made.close();
    what();
  };
  const made = dialog(fleet.user.name, [
    h("p.quiet", {}, fleet.user.email),
    tongue.row,
    look.row,
    h(
      "div.stack",
      {},
      own && h("button", { type: "button", onclick: then(preferences) }, icon("edit"), t("account.edit")),
      own &&
        fleet.server.attributes.totpEnable &&
        h("button", { type: "button", onclick: then(secondFactor) }, icon("key"), t("account.totp")),
      h("button", { type: "button", onclick: then(portsDialog) }, icon("stranger"), t("ports.show")),
      h("button", { type: "button", onclick: then(logout) }, icon("leave"), t("logout")),
    ),
    h("p.quiet", {}, `trackd ${document.documentElement.dataset.version}`),
  ]);
}

/** @param {[string, string][]} pairs @returns {[string, string][]} */
const units = (pairs) => [["", t("account.default")], ...pairs];

/** The user as the server knows it, with these changes. @param {(user: any) => any} change */
async function saveUser(change) {
  const user = await api.get(`users/${fleet.user.id}`);
  await api.put(`users/${user.id}`, change(user));
}

async function preferences() {
  const zones = await attempt(() => api.get("server/timezones"));
  if (!zones) return;
  const user = fleet.user,
    said = user.attributes;
  formDialog(
    t("account.edit"),
    [
      { name: "name", label: t("device.name"), value: user.name, required: true, length: 128, complete: "name" },
      { name: "email", label: t("login.email"), value: user.email, required: true, length: 128, complete: "email" },
      {
        name: "password",
        label: t("login.password.new"),
        kind: "password",
        complete: "new-password",
        hint: t("account.password.hint"),
      },
      {
        name: "speedUnit",
        label: t("account.speed"),
        kind: "select",
        value: said.speedUnit,
        choices: units([
          ["kmh", "km/h"],
          ["mph", "mph"],
          ["kn", "kn"],
        ]),
      },
      {
        name: "distanceUnit",
        label: t("account.distance"),
        kind: "select",
        value: said.distanceUnit,
        choices: units([
          ["km", "km"],
          ["mi", "mi"],
          ["nmi", "nmi"],
        ]),
      },
      {
        name: "altitudeUnit",
        label: t("account.altitude"),
        kind: "select",
        value: said.altitudeUnit,
        choices: units([
          ["m", "m"],
          ["ft", "ft"],
        ]),
      },
      {
        name: "volumeUnit",
        label: t("account.volume"),
        kind: "select",
        value: said.volumeUnit,
        choices: units([
          ["ltr", "l"],
          ["usGal", "US gal"],
          ["impGal", "imp. gal"],
        ]),
      },
      {
        name: "coordinateFormat",
        label: t("account.coordinates"),
        kind: "select",
        value: user.coordinateFormat,
        choices: units([
          ["dd", "48.2085"],
          ["ddm", "48° 12.51′"],
          ["dms", "48° 12′ 30.6″"],
        ]),
      },
      { name: "timezone", label: t("account.timezone"), value: said.timezone, list: zones },
    ],
    {
      save: async ({ name, email, password, coordinateFormat, ...attributes }) => {
        await saveUser((now) => ({
          ...now,
          name,
          email,
          password: password || null,
          coordinateFormat: coordinateFormat || null,
          attributes: Object.fromEntries(
            Object.entries({ ...now.attributes, ...attributes }).filter(([, value]) => value !== null && value !== ""),
          ),
        }));
        location.reload();
      },
    },
  );
}

/** Switch the second factor on or off. */
async function secondFactor() {
  if (fleet.user.totpKey) {
    formDialog(t("account.totp"), [], {
      yes: t("account.totp.off"),
      more: [h("p", {}, t("account.totp.is"))],
      save: async () => {
        await saveUser((now) => ({ ...now, totpKey: null }));
        fleet.user.totpKey = null;
      },
    });
    return;
  }
  let key = "";
  const made = dialog(t("account.totp"), [h("p.quiet", {}, t("wait"))]);
  try {
    key = await api.text("users/totp", {});
  } catch (error) {
    fill(made.body, h("p.problem", { role: "alert" }, problem(error)));
    return;
  }
  const field = h("input", {
    type: "text",
    readOnly: true,
    value: key.replace(/(.{4})/g, "$1 ").trim(),
    "aria-label": t("account.totp.key"),
  });
  fill(
    made.body,
    h("p", {}, t("account.totp.how")),
    h("div.copy", {}, field),
    h(
      "footer",
      {},
      h("button", { type: "button", onclick: made.close }, t("cancel")),
      h(
        "button.strong",
        {
          type: "button",
          onclick: () =>
            attempt(async () => {
              await saveUser((now) => ({ ...now, totpKey: key }));
              fleet.user.totpKey = key;
              notice(t("account.totp.on"));
              made.close();
            }),
        },
        t("account.totp.use"),
      ),
    ),
  );
}
