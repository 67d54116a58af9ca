/** What the user may do, as far as the page can tell: it hides what would be refused. The server decides. */

import { fleet } from "./fleet.js";

/** A restriction of the user or of the server. @param {string} name */
const bound = (name) => Boolean(fleet.user?.[name] || fleet.server?.[name]);

export const may = {
  administer: () => Boolean(fleet.user?.administrator),
  change: () => may.administer() || !bound("readonly"),
  changeDevices: () => may.administer() || !(bound("readonly") || bound("deviceReadonly")),
  addDevices: () => may.changeDevices() && (may.administer() || fleet.user?.deviceLimit !== 0),
  commandFreely: () => may.administer() || !bound("limitCommands"),
  seePast: () => may.administer() || !bound("disableReports"),
  share: () => !fleet.user?.temporary && !fleet.server?.attributes.disableShare,
};
