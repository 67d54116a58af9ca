/** Coming in: e-mail and password, the second factor, a forgotten password, a shared link. */

import { api } from "./api.js";
import { fill, h } from "./dom.js";
import { fieldOf, notice, problem } from "./dialog.js";
import { icon } from "./icons.js";
import { speak, t, languages, language } from "./words.js";

/**
 * @param {HTMLElement} place @param {any} server
 * @param {{ email?: string, reset?: string | null, said?: string }} known
 * @param {(user: any) => void} entered
 */
export function showLogin(place, server, known, entered) {
  const again = (/** @type {any} */ more) => showLogin(place, server, { ...known, ...more }, entered);
  const parts = known.reset ? resetForm(known.reset, () => again({ reset: null })) : loginForm(server, known, entered);
  const choose = h(
    "select",
    {
      "aria-label": t("language"),
      onchange: () => {
        remember(choose.value);
        speak(choose.value);
        again({});
      },
    },
    Object.entries(languages).map(([tag, { name }]) => h("option", { value: tag, selected: tag === language }, name)),
  );
  fill(
    place,
    h(
      "main.gate",
      {},
      h(
        "div.gate-card",
        {},
        h("h1.brand", {}, icon("brand"), server.attributes.title || "trackd"),
        known.said && h("p.notice", { role: "status" }, known.said),
        server.newServer && h("p.notice", { role: "status" }, t("login.new")),
        parts,
      ),
      h("footer", {}, choose),
    ),
  );
  const empty = [...place.querySelectorAll("input")].find((input) => !input.value && !input.closest("[hidden]"));
  (empty ?? place.querySelector("input"))?.focus();
}

/** @param {string} tag */
export function remember(tag) {
  try {
    localStorage.setItem("language", tag);
  } catch {
    // Without a memory the choice holds for this visit.
  }
}

/** @param {any} server @param {any} known @param {(user: any) => void} entered */
function loginForm(server, known, entered) {
  const email = fieldOf({
    name: "email",
    label: t("login.email"),
    value: known.email,
    required: true,
    complete: "username",
  });
  const password = fieldOf({
    name: "password",
    label: t("login.password"),
    kind: "password",
    required: true,
    complete: "current-password",
  });
  const code = fieldOf({
    name: "code",
    label: t("login.code"),
    complete: "one-time-code",
    mode: "numeric",
    length: 6,
    hint: t("login.code.hint"),
  });
  const wrong = h("p.problem", { role: "alert", hidden: true });
  const button = h("button.strong.full", { type: "submit" }, t("login.enter"));
  code.row.hidden = true;

  async function enter(/** @type {Event} */ event) {
    event.preventDefault();
    button.disabled = true;
    wrong.hidden = true;
    try {
      const values = { email: email.read(), password: password.read(), code: code.row.hidden ? null : code.read() };
      entered(await api.login("session", values));
    } catch (error) {
      const second = error.status === 401 && error.headers?.get("WWW-Authenticate") === "TOTP";
      if (second && code.row.hidden) {
        code.row.hidden = false;
        code.input.focus();
      } else {
        fill(wrong, error.status === 401 ? t("login.wrong") : problem(error));
        wrong.hidden = false;
        if (!code.row.hidden) code.input.select();
      }
    } finally {
      button.disabled = false;
    }
  }
  return [
    h("form", { onsubmit: enter }, email.row, password.row, code.row, wrong, button),
    server.emailEnabled &&
      h("button.plain.link", { type: "button", onclick: () => forgotten(email.read()) }, t("login.forgotten")),
  ];
}

/** @param {string | null} email */
async function forgotten(email) {
  if (!email) {
    notice(t("login.forgotten.email"), { kind: "bad" });
    return;
  }
  try {
    await api.login("password/reset", { email });
    notice(t("login.forgotten.sent"));
  } catch (error) {
    notice(problem(error), { kind: "bad" });
  }
}

/** @param {string} token @param {() => void} done */
function resetForm(token, done) {
  const password = fieldOf({
    name: "password",
    label: t("login.password.new"),
    kind: "password",
    required: true,
    complete: "new-password",
  });
  const wrong = h("p.problem", { role: "alert", hidden: true });
  return h(
    "form",
    {
      async onsubmit(event) {
        event.preventDefault();
        try {
          await api.login("password/update", { token, password: password.read() });
          notice(t("login.password.set"));
          done();
        } catch (error) {
          fill(wrong, problem(error));
          wrong.hidden = false;
        }
      },
    },
    password.row,
    wrong,
    h("button.strong.full", { type: "submit" }, t("save")),
  );
}
