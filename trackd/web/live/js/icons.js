/** The page's own pictures: paths on a field of 24 by 24, drawn with lines. */

const SPACE = "http://www.w3.org/2000/svg";
const PATHS = {
  add: "M12 5v14M5 12h14",
  animal:
    "M7 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4M17 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4" +
    "M12 12c3 0 5 3 5 5s-2 3-5 2c-3 1-5 0-5-2s2-5 5-5",
  back: "M15 5l-7 7 7 7",
  battery: "M3 8h15v8H3zM21 11v2",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
  bicycle: "M6 19a3 3 0 1 0 0-6 3 3 0 0 0 0 6M18 19a3 3 0 1 0 0-6 3 3 0 0 0 0 6M6 16l4-7h5l3 7M10 9l4 7M9 6h2",
  boat: "M4 14h16l-3 5H7zM12 3v11M12 4l6 8H12",
  brand: "M12 3l7 18-7-4-7 4z",
  bus: "M5 5h14v12H5zM5 12h14M8 17v3M16 17v3",
  car: "M4 16v-3l2-5h12l2 5v3zM4 13h16M7 16v2M17 16v2",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  dark: "M20 14A8 8 0 0 1 10 4a8 8 0 1 0 10 10",
  devices: "M4 6h2M10 6h10M4 12h2M10 12h10M4 18h2M10 18h10",
  done: "M5 12l5 5 9-10",
  down: "M6 9l6 6 6-6",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  edit: "M4 20l1-4L16 5l3 3L8 19z",
  fence: "M5 8l8-4 6 6-3 9-9-1z",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  follow: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v4M12 18v4M2 12h4M18 12h4",
  group: "M4 7h6l2 2h8v10H4z",
  history: "M12 7v5l4 2M4 12a8 8 0 1 0 3-6L4 8M4 4v4h4",
  key: "M14 10a4 4 0 1 0-4 4l1-1 2 2 2-2 2 2 3-3-3-3z",
  leave: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  minus: "M5 12h14",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  next: "M9 5l7 7-7 7",
  pause: "M8 5v14M16 5v14",
  person: "M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8M5 21c0-5 3-7 7-7s7 2 7 7",
  pin: "M12 21c-5-6-7-8-7-11a7 7 0 0 1 14 0c0 3-2 5-7 11M12 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4",
  play: "M7 5l12 7-12 7z",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14M16 16l5 5",
  send: "M4 12L20 4l-5 16-4-7z",
  server: "M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01",
  share:
    "M18 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6M6 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6" +
    "M18 22a3 3 0 1 0 0-6 3 3 0 0 0 0 6M9 11l6-4M9 13l6 4",
  stranger: "M9 9a3 3 0 1 1 4 3c-1 0-1 1-1 2M12 18h.01M12 22a10 10 0 1 0 0-20 10 10 0 0 0 0 20",
  trail: "M6 20a2 2 0 1 0 0-4 2 2 0 0 0 0 4M18 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4M8 18h6a3 3 0 0 0 0-6h-4a3 3 0 0 1 0-6h6",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5",
  truck: "M3 6h11v10H3zM14 10h4l3 3v3h-7M7 19a2 2 0 1 0 0-4M17 19a2 2 0 1 0 0-4",
  users: "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6M3 20c0-4 2-6 6-6s6 2 6 6M16 5a3 3 0 0 1 0 6M17 14c3 0 4 2 4 6",
};
const CATEGORIES = {
  animal: "animal",
  bicycle: "bicycle",
  boat: "boat",
  bus: "bus",
  camper: "bus",
  car: "car",
  crane: "truck",
  motorcycle: "bicycle",
  person: "person",
  ship: "boat",
  tractor: "truck",
  trailer: "truck",
  train: "bus",
  tram: "bus",
  truck: "truck",
  van: "truck",
};

/** @param {keyof PATHS} name @returns {SVGElement} */
export function icon(name) {
  const svg = document.createElementNS(SPACE, "svg");
  const path = document.createElementNS(SPACE, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** The picture of a device's category. @param {string | null} category @returns {keyof PATHS} */
export function pictureOf(category) {
  return Object.hasOwn(CATEGORIES, category ?? "") ? CATEGORIES[category] : "pin";
}

/** What a device's `category` may be. */
export const categories = [
  "animal",
  "bicycle",
  "boat",
  "bus",
  "car",
  "camper",
  "crane",
  "helicopter",
  "motorcycle",
  "person",
  "plane",
  "ship",
  "tractor",
  "trailer",
  "train",
  "tram",
  "truck",
  "van",
  "scooter",
];
