/** Making, changing and deleting devices and groups, and who sees a device. */

import { api } from "./api.js";
import { attempt, confirmed, dialog, formDialog, notice } from "./dialog.js";
import { fill, h } from "./dom.js";
import { fleet, forget, keep, listed } from "./fleet.js";
import { categories, icon } from "./icons.js";
import { go } from "./way.js";
import { t, word } from "./words.js";

/** Milliseconds for which one waits before a list is asked for anew while somebody types. */
const PAUSE = 250;

/** @param {number} own a group that is not to be chosen @returns {[number, string][]} */
export const groupChoices = (own = 0) => [
  [0, t("device.group.none")],
  ...[...fleet.groups.values()]
    .filter((group) => group.id !== own)
    .map((group) => /** @type {[number, string]} */ ([group.id, group.name])),
];

/**
 * Make a device, or change one.
 * @param {any} [device] @param {{ uniqueId?: string, made?: (device: any) => void }} [given]
 */
export function deviceDialog(device, given = {}) {
  formDialog(
    device ? t("device.change") : t("device.add"),
    [
      { name: "name", label: t("device.name"), value: device?.name, required: true, length: 128 },
      {
        name: "uniqueId",
        label: t("device.uniqueId"),
        value: device?.uniqueId ?? given.uniqueId,
        required: true,
        length: 128,
        hint: t("device.uniqueId.hint"),
      },
      {
        name: "groupId",
        label: t("device.group"),
        kind: "select",
        value: device?.groupId ?? 0,
        choices: groupChoices(),
      },
      {
        name: "category",
        label: t("device.category"),
        kind: "select",
        value: device?.category ?? "",
        choices: [
          ["", "–"],
          ...categories.map((one) => /** @type {[string, string]} */ ([one, word("category", one)])),
        ],
      },
      { name: "model", label: t("device.model"), value: device?.model, length: 128 },
      { name: "phone", label: t("device.phone"), value: device?.phone, length: 128, mode: "tel" },
      { name: "contact", label: t("device.contact"), value: device?.contact, length: 512 },
      { name: "disabled", label: t("device.disabled"), kind: "flag", value: device?.disabled },
    ],
    {
      fine: t("saved"),
      save: async (values) => {
        const body = { ...(device ?? { attributes: {} }), ...values, groupId: Number(values.groupId) };
        const saved = device ? await api.put(`devices/${device.id}`, body) : await api.post("devices", body);
        keep(saved);
        if (!device) go("device", saved.id);
        given.made?.(saved);
      },
      more: [h("button.plain.link", { type: "button", onclick: groupsDialog }, t("groups.edit"))],
    },
  );
}

/** @param {any} device */
export async function confirmDelete(device) {
  if (await confirmed(t("device.delete"), t("device.delete.sure", { name: device.name }), t("delete"))) {
    await attempt(async () => {
      await api.remove(`devices/${device.id}`);
      forget(device.id);
      notice(t("deleted"));
      go("devices");
    });
  }
}

/** All groups, to be made, renamed, moved and deleted. */
export function groupsDialog() {
  const made = dialog(t("groups"), []);
  const draw = () =>
    fill(
      made.body,
      fleet.groups.size
        ? h(
            "ul.plain.things",
            {},
            [...fleet.groups.values()].map((group) =>
              h(
                "li",
                {},
                h(
                  "span.texts",
                  {},
                  h("b", {}, group.name),
                  h("small", {}, fleet.groups.get(group.groupId)?.name ?? ""),
                ),
                h(
                  "button.plain.icon-only",
                  {
                    type: "button",
                    "aria-label": `${t("edit")}: ${group.name}`,
                    onclick: () => groupDialog(group, draw),
                  },
                  icon("edit"),
                ),
                h(
                  "button.plain.icon-only",
                  {
                    type: "button",
                    "aria-label": `${t("delete")}: ${group.name}`,
                    onclick: () => deleteGroup(group, draw),
                  },
                  icon("trash"),
                ),
              ),
            ),
          )
        : h("p.quiet", {}, t("groups.none")),
      h(
        "footer",
        {},
        h("button.strong", { type: "button", onclick: () => groupDialog(null, draw) }, icon("add"), t("groups.add")),
      ),
    );
  draw();
}

/** @param {any} group @param {() => void} done */
function groupDialog(group, done) {
  formDialog(
    group ? t("groups.change") : t("groups.add"),
    [
      { name: "name", label: t("device.name"), value: group?.name, required: true, length: 128 },
      {
        name: "groupId",
        label: t("groups.above"),
        kind: "select",
        value: group?.groupId ?? 0,
        choices: groupChoices(group?.id),
      },
    ],
    {
      save: async (values) => {
        const body = { ...(group ?? { attributes: {} }), ...values, groupId: Number(values.groupId) };
        const saved = group ? await api.put(`groups/${group.id}`, body) : await api.post("groups", body);
        fleet.groups.set(saved.id, saved);
        listed.say();
        done();
      },
    },
  );
}

/** @param {any} group @param {() => void} done */
async function deleteGroup(group, done) {
  if (await confirmed(t("groups.delete"), t("groups.delete.sure", { name: group.name }), t("delete"))) {
    await attempt(async () => {
      await api.remove(`groups/${group.id}`);
      fleet.groups.delete(group.id);
      for (const device of fleet.devices.values()) if (device.groupId === group.id) keep({ ...device, groupId: 0 });
      listed.say();
      done();
    });
  }
}

/** Who sees a device: all users, with a tick for those to whom it is linked. @param {any} device */
export async function whoSees(device) {
  const found = await attempt(() =>
    Promise.all([
      api.get("users", { excludeAttributes: true }),
      api.get("users", { deviceId: device.id, excludeAttributes: true }),
    ]),
  );
  if (!found) return;
  const linked = new Set(found[1].map((/** @type {any} */ user) => user.id));
  dialog(t("who.title", { name: device.name }), [
    h("p.quiet", {}, t("who.hint")),
    ticks(
      found[0],
      linked,
      (user) => [user.name, user.email],
      (user, on) => setLink({ userId: user.id, deviceId: device.id }, on),
    ),
  ]);
}

/** @param {Record<string, number>} pair @param {boolean} on */
export const setLink = (pair, on) => (on ? api.post("permissions", pair) : api.remove("permissions", { json: pair }));

/**
 * Things to be ticked; each tick is done at once.
 * @param {any[]} things @param {Set<number>} ticked @param {(thing: any) => string[]} words
 * @param {(thing: any, on: boolean) => Promise<any>} change
 */
export function ticks(things, ticked, words, change) {
  const list = h("ul.plain.things");
  const draw = (/** @type {string} */ text) =>
    fill(
      list,
      things
        .filter((thing) => words(thing).join(" ").toLocaleLowerCase().includes(text))
        .slice(0, 300)
        .map((thing) => {
          const box = h("input", {
            type: "checkbox",
            checked: ticked.has(thing.id),
            onchange: async () => {
              box.disabled = true;
              const done = await attempt(async () => {
                await change(thing, box.checked);
                return true;
              });
              if (!done) box.checked = !box.checked;
              else if (box.checked) ticked.add(thing.id);
              else ticked.delete(thing.id);
              box.disabled = false;
            },
          });
          const [first, second] = words(thing);
          return h("li", {}, h("label.texts", {}, box, h("span", {}, h("b", {}, first), " ", h("small", {}, second))));
        }),
    );
  let soon = 0;
  const search = h("input", {
    type: "search",
    "aria-label": t("list.search"),
    placeholder: t("list.search"),
    oninput: () => {
      clearTimeout(soon);
      soon = setTimeout(() => draw(search.value.trim().toLocaleLowerCase()), PAUSE);
    },
  });
  draw("");
  return h("div", {}, things.length > 8 && search, list);
}
