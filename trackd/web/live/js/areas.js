/** Areas of geofences as the API writes them, latitude first, and their shapes on the map. */

/* global L */

/** @typedef {{ kind: "circle" | "polygon" | "line", points: [number, number][], radius?: number }} Area */

/** @param {string} text @returns {Area | null} null: it is none */
export function readArea(text) {
  const circle = /^\s*CIRCLE\s*\(\s*(\S+)\s+(\S+?)\s*,\s*(\S+?)\s*\)\s*$/i.exec(text);
  if (circle) {
    const [latitude, longitude, radius] = circle.slice(1).map(Number);
    return good([[latitude, longitude]]) && radius > 0
      ? { kind: "circle", points: [[latitude, longitude]], radius }
      : null;
  }
  const other = /^\s*(POLYGON|LINESTRING)\s*\(+\s*([^()]*?)\s*\)+\s*$/i.exec(text);
  if (!other) return null;
  const points = /** @type {[number, number][]} */ (
    other[2].split(",").map((pair) => pair.trim().split(/\s+/).map(Number))
  );
  const kind = other[1].toUpperCase() === "POLYGON" ? "polygon" : "line";
  const [first, last] = [points[0], points.at(-1)];
  if (kind === "polygon" && points.length > 3 && first[0] === last?.[0] && first[1] === last?.[1]) points.pop();
  return good(points) && points.length >= (kind === "polygon" ? 3 : 2) ? { kind, points } : null;
}

/** @param {any[]} points */
const good = (points) =>
  points.every((point) => point.length === 2 && Math.abs(point[0]) <= 90 && Math.abs(point[1]) <= 180);

/** @param {Area} area @returns {string} */
export function writeArea({ kind, points, radius = 100 }) {
  const pair = (/** @type {[number, number]} */ [latitude, longitude]) =>
    `${latitude.toFixed(6)} ${longitude.toFixed(6)}`;
  if (kind === "circle") return `CIRCLE (${pair(points[0])}, ${Math.round(radius)})`;
  if (kind === "line") return `LINESTRING (${points.map(pair).join(", ")})`;
  return `POLYGON ((${[...points, points[0]].map(pair).join(", ")}))`;
}

/** @param {string} text @param {any} style @returns {any} a layer, or null */
export function shapeOf(text, style) {
  const area = readArea(text);
  if (!area) return null;
  if (area.kind === "circle") return L.circle(area.points[0], { ...style, radius: area.radius });
  return area.kind === "line" ? L.polyline(area.points, { ...style, weight: 4 }) : L.polygon(area.points, style);
}
