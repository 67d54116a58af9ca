/** Pages for administrators: users, unknown devices, what the server is doing, its settings, refused reports. */

import { attempt } from "./dialog.js";
import { attribute, fill, h, selects } from "./dom.js";
import { may } from "./may.js";
import { quarantine } from "./quarantine.js";
import { settings } from "./settings.js";
import { standing } from "./standing.js";
import { unknown } from "./unknown.js";
import { users } from "./users.js";
import { go, link } from "./way.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

/** Milliseconds between two looks at a page that is open. */
const PAUSE = 5000;
const PAGES = { users, unknown, state: standing, settings, quarantine };

/**
 * A page: `draw` fills its place, and does so again and again if it is `alive`.
 * @typedef {{ alive?: boolean, draw: (place: HTMLElement) => Promise<void> }} Page
 */

/** Whether somebody looks at a page, and does nothing there that a new one would disturb. @param {HTMLElement} body */
const seen = (body) =>
  document.visibilityState === "visible" &&
  !document.querySelector("dialog") &&
  !body.contains(document.activeElement) &&
  !selects(body);

export class ServerPages {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this._timer = 0;
    /** @type {string | null} */
    this._name = null;
  }

  /** @param {string} part @param {string[]} rest @returns {boolean} whether it is one of these pages */
  show(part, rest) {
    if (part !== "server" || !may.administer()) {
      this._end();
      return false;
    }
    const name = Object.hasOwn(PAGES, rest[0] ?? "") ? rest[0] : "users";
    if (name === this._name) return true;
    this._end();
    this._name = name;
    const tabs = Object.keys(PAGES).map((one) => {
      const tab = h("a.tab-link", { href: link("server", one) }, t(`server.${one}`));
      attribute(tab, "aria-current", one === name ? "page" : null);
      return tab;
    });
    const body = h("div.page-body");
    fill(
      this.element,
      h(
        "header",
        {},
        h("h1", {}, t("server")),
        h("nav", { "aria-label": t("server") }, tabs),
        h(
          "button.plain.icon-only",
          { type: "button", "aria-label": t("close"), onclick: () => go("devices") },
          icon("close"),
        ),
      ),
      body,
    );
    // The page is shown a moment after it is filled.
    requestAnimationFrame(() => {
      this.element.querySelector(".tab-link[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    });
    const page = PAGES[name],
      draw = () => attempt(() => page.draw(body));
    draw();
    if (page.alive) this._timer = setInterval(() => seen(body) && draw(), PAUSE);
    return true;
  }

  remove() {
    this._end();
  }

  _end() {
    clearInterval(this._timer);
    this._name = null;
    fill(this.element);
  }
}
