/** Users: making, changing and deleting them, and which devices and groups they see. */

import { api } from "./api.js";
import { setLink, ticks } from "./device.js";
import { attempt, confirmed, dialog, formDialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { catchUp, fleet, readRest } from "./fleet.js";
import { icon } from "./icons.js";
import { tableOf } from "./table.js";
import { time } from "./units.js";
import { t } from "./words.js";

const FLAGS = /** @type {const} */ ([
  "administrator",
  "readonly",
  "deviceReadonly",
  "limitCommands",
  "disableReports",
  "fixedEmail",
  "disabled",
]);

/** @type {import("./server.js").Page} */
export const users = {
  async draw(place) {
    const rows = await api.get("users");
    const again = () => attempt(() => users.draw(place));
    const rights = (/** @type {any} */ user) =>
      FLAGS.filter((flag) => user[flag])
        .map((flag) => t(`users.${flag}`))
        .concat(user.temporary ? [t("users.temporary")] : [])
        .join(", ");
    fill(
      place,
      h(
        "div.buttons",
        {},
        h("button.strong", { type: "button", onclick: () => userDialog(null, again) }, icon("add"), t("users.add")),
      ),
      tableOf(
        ["device.name", "login.email", "users.rights", "device.expires"].map((key) => t(key)),
        rows.map((/** @type {any} */ user) => [
          user.name,
          user.email,
          rights(user),
          user.expirationTime ? time(user.expirationTime) : "",
          [
            h(
              "button",
              { type: "button", "aria-label": `${t("users.sees")}: ${user.name}`, onclick: () => sees(user) },
              icon("devices"),
              t("users.sees"),
            ),
            h(
              "button.icon-only",
              { type: "button", "aria-label": `${t("edit")}: ${user.name}`, onclick: () => userDialog(user, again) },
              icon("edit"),
            ),
            user.id !== fleet.user.id &&
              h(
                "button.icon-only",
                {
                  type: "button",
                  "aria-label": `${t("delete")}: ${user.name}`,
                  onclick: () => remove(user).then(again),
                },
                icon("trash"),
              ),
          ],
        ]),
      ),
    );
  },
};

/** @param {any} user @param {() => void} done */
function userDialog(user, done) {
  formDialog(
    user ? t("users.change") : t("users.add"),
    [
      { name: "name", label: t("device.name"), value: user?.name, required: true, length: 128 },
      { name: "email", label: t("login.email"), value: user?.email, required: true, length: 128 },
      {
        name: "password",
        label: user ? t("login.password.new") : t("login.password"),
        kind: "password",
        required: !user,
        complete: "new-password",
        hint: user ? t("account.password.hint") : undefined,
      },
      {
        name: "deviceLimit",
        label: t("users.deviceLimit"),
        kind: "number",
        least: -1,
        step: "1",
        value: user?.deviceLimit ?? -1,
        hint: t("users.limit.hint"),
      },
      {
        name: "userLimit",
        label: t("users.userLimit"),
        kind: "number",
        least: -1,
        step: "1",
        value: user?.userLimit ?? 0,
      },
      { name: "expirationTime", label: t("device.expires"), kind: "date", value: user?.expirationTime?.slice(0, 10) },
      ...FLAGS.map((flag) => ({ name: flag, label: t(`users.${flag}`), kind: "flag", value: user?.[flag] })),
    ],
    {
      fine: t("saved"),
      save: async (values) => {
        const body = {
          ...(user ?? { attributes: {} }),
          ...values,
          password: values.password || null,
          deviceLimit: values.deviceLimit ?? 0,
          userLimit: values.userLimit ?? 0,
        };
        if (values.expirationTime && values.expirationTime === user?.expirationTime?.slice(0, 10))
          body.expirationTime = user.expirationTime;
        if (user) await api.put(`users/${user.id}`, body);
        else await api.post("users", body);
        done();
      },
    },
  );
}

/** @param {any} user */
async function remove(user) {
  if (await confirmed(t("users.delete"), t("users.delete.sure", { name: user.name }), t("delete")))
    await attempt(() => api.remove(`users/${user.id}`));
}

/** What a user sees: all devices and groups, with a tick for those that are linked. @param {any} user */
async function sees(user) {
  const found = await attempt(() =>
    Promise.all([
      api.get("devices", { all: true, excludeAttributes: true }),
      api.get("devices", { userId: user.id, excludeAttributes: true }),
      api.get("groups", { all: true }),
      api.get("groups", { userId: user.id }),
    ]),
  );
  if (!found) return;
  const [devices, linkedDevices, groups, linkedGroups] = found;
  const ids = (/** @type {any[]} */ things) => new Set(things.map((thing) => thing.id));
  const own = user.id === fleet.user.id;
  dialog(
    t("users.sees.title", { name: user.name }),
    [
      groups.length > 0 && [
        h("h3", {}, t("groups")),
        ticks(
          groups,
          ids(linkedGroups),
          (group) => [group.name, ""],
          (group, on) => setLink({ userId: user.id, groupId: group.id }, on),
        ),
      ],
      h("h3", {}, t("devices")),
      devices.length
        ? ticks(
            devices,
            ids(linkedDevices),
            (device) => [device.name, device.uniqueId],
            (device, on) => setLink({ userId: user.id, deviceId: device.id }, on),
          )
        : h("p.quiet", {}, t("list.none")),
    ],
    {
      onclose: () => {
        if (own) attempt(() => Promise.all([catchUp(), readRest()]));
      },
    },
  );
}
