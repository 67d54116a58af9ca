/** Dialogs, forms in them, questions, and short notices. */

import { freshId, fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

/** Milliseconds for which a notice stands. */
const NOTICE = 6000;
/** Notices at once. */
const MOST = 4;

/**
 * A short notice. @param {string} text @param {{ kind?: "good" | "bad" | "event", onclick?: () => void }} [options]
 */
export function notice(text, { kind = "good", onclick } = {}) {
  const place = /** @type {HTMLElement} */ (document.getElementById("toasts"));
  const toast = h(
    "div.toast",
    { class: kind },
    onclick ? h("button.plain", { type: "button", onclick }, text) : h("span", {}, text),
    h(
      "button.plain.icon-only",
      { type: "button", "aria-label": t("close"), onclick: () => toast.remove() },
      icon("close"),
    ),
  );
  place.append(toast);
  // On top of whatever dialog is open, the last one to be opened being the topmost.
  if (place.matches(":popover-open")) place.hidePopover();
  place.showPopover();
  while (place.childElementCount > MOST) place.firstElementChild?.remove();
  setTimeout(() => toast.remove(), NOTICE);
}

/** What went wrong, in words. @param {any} error */
export function problem(error) {
  if (error.status === 0) return t("problem.line");
  if (error.status === undefined) {
    console.error(error);
    return t("problem.page");
  }
  return error.message || t("problem.status", { status: error.status });
}

/** Do it, and say what went wrong if it did. @param {() => Promise<any>} work */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    if (error.status !== 401) notice(problem(error), { kind: "bad" });
    return undefined;
  }
}

/**
 * A dialog. @param {string} title @param {any[]} content @param {{ wide?: boolean, onclose?: () => void }} [options]
 * @returns {{ element: HTMLDialogElement, close: () => void, body: HTMLElement }}
 */
export function dialog(title, content, { wide = false, onclose } = {}) {
  const id = freshId();
  const close = () => element.close();
  const body = h("div.dialog-body", {}, content);
  const element = h(
    wide ? "dialog.wide" : "dialog",
    { "aria-labelledby": id },
    h(
      "header",
      {},
      h("h2", { id }, title),
      h("button.plain.icon-only", { type: "button", "aria-label": t("close"), onclick: close }, icon("close")),
    ),
    body,
  );
  element.addEventListener("close", () => {
    element.remove();
    onclose?.();
  });
  document.body.append(element);
  element.showModal();
  return { element, close, body };
}

/** Yes or no. @param {string} title @param {string} text @param {string} yes @returns {Promise<boolean>} */
export function confirmed(title, text, yes) {
  return new Promise((resolve) => {
    let answer = false;
    const made = dialog(
      title,
      [
        h("p", {}, text),
        h(
          "footer",
          {},
          h("button", { type: "button", onclick: () => made.close() }, t("cancel")),
          h(
            "button.danger",
            {
              type: "button",
              onclick: () => {
                answer = true;
                made.close();
              },
            },
            yes,
          ),
        ),
      ],
      { onclose: () => resolve(answer) },
    );
  });
}

/**
 * A field of a form. `kind`: text, email, password, number, textarea, select, flag, date, datetime-local.
 * @typedef {{ name: string, label: string, kind?: string, value?: any, required?: boolean, hint?: string,
 *   least?: number, most?: number, step?: string, choices?: [any, string][], complete?: string, list?: string[],
 *   length?: number, mode?: string }} Field
 */

/** @param {Field} field @returns {{ row: HTMLElement, read: () => any, input: any }} */
export function fieldOf(field) {
  const id = freshId(),
    hint = field.hint ? freshId() : null;
  const shared = { id, name: field.name, required: Boolean(field.required), "aria-describedby": hint };
  let input, read;
  if (field.kind === "select") {
    input = h(
      "select",
      shared,
      (field.choices ?? []).map(([value, label]) =>
        h("option", { value: String(value), selected: String(value) === String(field.value ?? "") }, label),
      ),
    );
    read = () => input.value;
  } else if (field.kind === "flag") {
    input = h("input", { ...shared, type: "checkbox", checked: Boolean(field.value) });
    read = () => input.checked;
  } else if (field.kind === "textarea") {
    input = h("textarea", { ...shared, value: field.value ?? "", rows: 4, spellcheck: false });
    read = () => input.value.trim() || null;
  } else {
    const choices = field.list ? freshId() : null;
    input = h("input", {
      ...shared,
      type: field.kind ?? "text",
      value: field.value ?? "",
      min: field.least,
      max: field.most,
      step: field.step ?? (field.kind === "number" ? "any" : undefined),
      autocomplete: field.complete ?? "off",
      maxLength: field.length,
      list: choices,
      inputMode: field.mode,
    });
    read = () =>
      field.kind === "number"
        ? input.value === ""
          ? null
          : Number(input.value)
        : field.kind === "password"
          ? input.value
          : input.value.trim() || null;
    if (choices) {
      const options = h(
        "datalist",
        { id: choices },
        (field.list ?? []).map((one) => h("option", { value: one })),
      );
      return { row: h("div.field", {}, label(field, id), input, options, hintOf(field, hint)), read, input };
    }
  }
  const parts = field.kind === "flag" ? [input, label(field, id)] : [label(field, id), input];
  return {
    row: h(field.kind === "flag" ? "div.field.flag" : "div.field", {}, parts, hintOf(field, hint)),
    read,
    input,
  };
}

/** @param {Field} field @param {string} id */
const label = (field, id) => h("label", { for: id }, field.label);

/** @param {Field} field @param {string | null} id */
const hintOf = (field, id) => (id ? h("small", { id }, field.hint) : null);

/**
 * A form. `save` gets the values by name; what it raises is shown above the buttons.
 * @param {Field[]} fields
 * @param {{ yes: string, save: (values: Record<string, any>) => Promise<any>, cancel?: () => void, more?: any[],
 *   fine?: string }} options
 * @returns {HTMLFormElement}
 */
export function form(fields, { yes, save, cancel, more = [], fine }) {
  const made = fields.map((field) => ({ name: field.name, ...fieldOf(field) }));
  const wrong = h("p.problem", { role: "alert", hidden: true });
  const button = h("button.strong", { type: "submit" }, yes);
  const element = h(
    "form",
    {
      async onsubmit(event) {
        event.preventDefault();
        button.disabled = true;
        wrong.hidden = true;
        try {
          await save(Object.fromEntries(made.map((one) => [one.name, one.read()])));
          if (fine) notice(fine);
        } catch (error) {
          fill(wrong, problem(error));
          wrong.hidden = false;
        } finally {
          button.disabled = false;
        }
      },
    },
    made.map((one) => one.row),
    more,
    wrong,
    h("footer", {}, cancel && h("button", { type: "button", onclick: cancel }, t("cancel")), button),
  );
  return element;
}

/**
 * A dialog with a form; it closes when the values are saved.
 * @param {string} title @param {Field[]} fields
 * @param {{ yes?: string, save: (values: Record<string, any>) => Promise<any>, more?: any[], fine?: string,
 *   wide?: boolean }} options
 */
export function formDialog(title, fields, { yes = t("save"), save, more, fine, wide }) {
  const made = dialog(title, [], { wide });
  const body = form(fields, {
    yes,
    more,
    fine,
    cancel: made.close,
    save: async (values) => {
      await save(values);
      made.close();
    },
  });
  fill(made.body, body);
  /** @type {HTMLElement | null} */ (body.querySelector("input:not([type=checkbox]), select, textarea"))?.focus();
  return made;
}
