/** The beginning: who is there, the log-in if nobody is, and then the page. */

import { api, ended } from "./api.js";
import { clear, fleet } from "./fleet.js";
import { attempt, notice, problem } from "./dialog.js";
import { fill, h } from "./dom.js";
import { leave, show } from "./frame.js";
import { remember, showLogin } from "./login.js";
import { start, stop } from "./socket.js";
import { prefer, preference } from "./units.js";
import { go, here } from "./way.js";
import { speak, t } from "./words.js";

const place = /** @type {HTMLElement} */ (document.getElementById("app"));

/** What the address brings: it is taken out of it at once, so that nobody reads it there. */
function brought() {
  const parameters = new URLSearchParams(location.search);
  const found = {
    token: parameters.get("token"),
    reset: parameters.get("passwordReset"),
    locale: parameters.get("locale"),
  };
  if (location.search) history.replaceState(null, "", location.pathname.replace(/reset-password$/, "") + location.hash);
  return found;
}

/** @returns {string | null} */
function remembered() {
  try {
    return localStorage.getItem("language");
  } catch {
    return null;
  }
}

function speakTo() {
  speak(remembered(), preference("language"), ...navigator.languages);
}

/** @param {any} user */
async function enter(user) {
  fleet.user = user;
  prefer(fleet.server, user);
  speakTo();
  if (here()[0] === "login") go("devices");
  await attempt(() => show(place, logout));
  start();
}

/** @param {{ email?: string, reset?: string | null, said?: string }} known */
function ask(known) {
  stop();
  leave();
  clear();
  prefer(fleet.server, null);
  speakTo();
  document.title = fleet.server.attributes.title || "trackd";
  showLogin(place, fleet.server, known, enter);
}

async function logout() {
  await api.remove("session").catch(() => {});
  ask({});
}

async function begin() {
  const { token, reset, locale } = brought();
  if (locale) remember(locale);
  speak(remembered(), ...navigator.languages);
  try {
    fleet.server = await api.get("server", {}, { anonymous: true });
  } catch (error) {
    fill(
      place,
      h(
        "main.gate",
        {},
        h("p.problem", { role: "alert" }, problem(error)),
        h("button", { type: "button", onclick: () => location.reload() }, t("again")),
      ),
    );
    return;
  }
  ended.on(() => fleet.user && ask({ email: fleet.user.email, said: t("login.ended") }));
  addEventListener("unhandledrejection", (event) => {
    notice(problem(event.reason), { kind: "bad" });
    event.preventDefault();
  });
  if (reset) {
    ask({ reset });
    return;
  }
  try {
    await enter(await api.get("session", { token }, { anonymous: true }));
  } catch (error) {
    const [first, email] = here();
    ask({
      email: first === "login" ? email : "",
      said: token ? t("login.link") : error.status === 0 ? problem(error) : "",
    });
  }
}

begin();
