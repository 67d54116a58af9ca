/** The map: its ground, its devices, the trail of the chosen one, the geofences, and how it is moved. */

import { api } from "./api.js";
import { colour, h } from "./dom.js";
import { fenced, fleet, moved } from "./fleet.js";
import { Grid } from "./grid.js";
import { icon } from "./icons.js";
import { Markers } from "./markers.js";
import { shapeOf } from "./areas.js";
import { preference } from "./units.js";
import { here, go } from "./way.js";
import { t } from "./words.js";

/* global L */

/** The trail begins so many milliseconds ago, and has so many points. */
const HOUR = 3_600_000;
const LONGEST = 2000;
/** Pixels between what is shown and the edges. */
const MARGIN = 50;

export class MapView {
  /** @param {HTMLElement} place */
  constructor(place) {
    const { tiles, attribution } = document.documentElement.dataset;
    this.map = L.map(place, {
      zoomControl: false,
      attributionControl: false,
      minZoom: 2,
      maxZoom: 19,
      worldCopyJump: true,
      preferCanvas: true,
      zoomSnap: tiles ? 1 : 0.5, // pictures are sharp at whole steps only
      wheelPxPerZoomLevel: 90,
      center: [30, 10],
      zoom: 2.5,
    });
    place.setAttribute("role", "region");
    place.setAttribute("aria-label", t("map"));
    if (tiles) L.tileLayer(tiles, { maxZoom: 19, className: "tiles" }).addTo(this.map);
    else this.grid = new Grid().addTo(this.map);
    L.control
      .scale({
        position: "bottomleft",
        imperial: preference("distanceUnit") === "mi",
        metric: preference("distanceUnit") !== "mi",
      })
      .addTo(this.map);
    if (attribution) place.append(h("p.thanks", {}, attribution));
    this.fences = L.layerGroup().addTo(this.map);
    this.trail = L.polyline([], { weight: 4, opacity: 0.85, interactive: false }).addTo(this.map);
    this.markers = new Markers().addTo(this.map);
    /** @type {number | null} */
    this.chosen = null;
    this.following = false;
    this.trailing = true;
    /** @type {((event: any) => void) | null} takes clicks while something is drawn */
    this.drawing = null;
    this._off = [moved.on((ids) => this._moved(ids)), fenced.on(() => this.showFences())];
    this.map.on("click", (/** @type {any} */ event) => this._clicked(event));
    this.map.on("mousemove", (/** @type {any} */ event) => {
      if (!this.drawing) place.classList.toggle("over", this.markers.at(event.containerPoint).length > 0);
    });
    this.map.on("dragstart", () => this.follow(false));
    this.recolour();
    this.start();
    place.append(this._controls());
    this._sizes = new ResizeObserver(() => this.map.invalidateSize({ pan: false }));
    this._sizes.observe(place);
  }

  /** Where the map begins: the user's place, else all devices. */
  start() {
    const latitude = Number(preference("latitude")),
      longitude = Number(preference("longitude")),
      zoom = Number(preference("zoom"));
    if (latitude || longitude || zoom) this.map.setView([latitude, longitude], zoom || 4, { animate: false });
    else this.fit(false);
  }

  _controls() {
    const button = (/** @type {any} */ picture, /** @type {string} */ label, /** @type {() => void} */ onclick) =>
      h("button", { type: "button", title: label, "aria-label": label, onclick }, icon(picture));
    const group = h(
      "div.map-controls",
      { role: "group", "aria-label": t("map.controls") },
      button("add", t("map.in"), () => this.map.zoomIn()),
      button("minus", t("map.out"), () => this.map.zoomOut()),
      button("fit", t("map.fit"), () => this.fit()),
    );
    L.DomEvent.disableClickPropagation(group);
    return group;
  }

  recolour() {
    this.markers.recolour();
    this.trail.setStyle({ color: colour("--trail") });
    this.grid?.redraw();
    this.showFences();
  }

  /** Show everything. @param {boolean} [animate] */
  fit(animate = true) {
    const places = [...fleet.devices.keys()]
      .filter(this.markers.wanted)
      .map((id) => fleet.positions.get(id))
      .filter(Boolean);
    if (places.length)
      this.showPlaces(
        places.map((one) => [one.latitude, one.longitude]),
        animate,
      );
  }

  /** @param {any[]} places @param {boolean} [animate] */
  showPlaces(places, animate = true) {
    const { left, top, right, bottom } = this.covered();
    this.map.fitBounds(L.latLngBounds(places), {
      paddingTopLeft: [left + MARGIN, top + MARGIN],
      paddingBottomRight: [right + MARGIN, bottom + MARGIN],
      maxZoom: 15,
      animate,
    });
  }

  /** Pixels of the map's edges that lie under something. */
  covered() {
    const found = { left: 0, top: 0, right: 0, bottom: 0 },
      map = this.map.getContainer().getBoundingClientRect();
    for (const element of this.map
      .getContainer()
      .parentElement?.querySelectorAll(":scope > .details, :scope > .history") ?? []) {
      const box = element.getBoundingClientRect();
      if (!box.width) continue;
      if (box.width > map.width / 2) found.bottom = Math.min(map.height * 0.7, map.bottom - box.top);
      else found.right = Math.min(map.width * 0.6, map.right - box.left);
    }
    return found;
  }

  /** Whether a place is where nothing lies on the map. @param {any} place */
  sees(place) {
    const { right, bottom } = this.covered(),
      point = this.map.latLngToContainerPoint(place),
      size = this.map.getSize();
    return point.x > 0 && point.y > 0 && point.x < size.x - right && point.y < size.y - bottom;
  }

  /**
   * Put a place into the middle of what can be seen.
   * @param {any} place @param {number} [zoom] @param {boolean} [animate]
   */
  center(place, zoom = this.map.getZoom(), animate = true) {
    const { left, top, right, bottom } = this.covered();
    const point = this.map.project(place, zoom).add([(right - left) / 2, (bottom - top) / 2]);
    this.map.setView(this.map.unproject(point, zoom), zoom, { animate, duration: 0.4 });
  }

  /** @param {number | null} id @param {boolean} [travel] */
  choose(id, travel = true) {
    if (id !== this.chosen) {
      this.follow(false);
      this.trail.setLatLngs([]);
    }
    const same = id === this.chosen;
    this.chosen = this.markers.chosen = id;
    const position = id !== null ? fleet.positions.get(id) : null;
    if (position && travel && !(same && this.sees([position.latitude, position.longitude]))) {
      const zoom = Number(preference("web.selectZoom")) || 14;
      this.center([position.latitude, position.longitude], Math.max(this.map.getZoom(), zoom), false);
    }
    if (id !== null && !same) this._readTrail(id);
    this.markers.ask();
  }

  /** The last hour of the chosen device; from then on the trail grows by what comes in. @param {number} id */
  async _readTrail(id) {
    const position = fleet.positions.get(id);
    if (!position) return;
    let places = [];
    try {
      const to = new Date(position.fixTime),
        from = new Date(to.getTime() - HOUR);
      places = await api.get("positions", { deviceId: id, from, to });
    } catch (error) {
      if (error.status !== 400) return; // who may not read the past has what comes
    }
    if (this.chosen === id) {
      const since = this.trail.getLatLngs();
      this.trail.setLatLngs(
        [...places.map((/** @type {any} */ one) => [one.latitude, one.longitude]), ...since].slice(-LONGEST),
      );
    }
  }

  /** @param {boolean} on */
  follow(on) {
    if (this.following === on) return;
    this.following = on;
    this.onfollow?.(on);
    if (on) this._center();
  }

  /** @param {boolean} on */
  showTrail(on) {
    this.trailing = on;
    if (on) this.trail.addTo(this.map);
    else this.trail.remove();
  }

  _center() {
    const position = this.chosen !== null ? fleet.positions.get(this.chosen) : null;
    if (position) this.center([position.latitude, position.longitude]);
  }

  /** @param {Set<number>} ids */
  _moved(ids) {
    if (!this._begun && fleet.positions.size) {
      this._begun = true;
      if (this.map.getZoom() < 3 && this.chosen === null) this.fit(false);
    }
    if (this.chosen === null || !ids.has(this.chosen)) return;
    const position = fleet.positions.get(this.chosen);
    if (!position) return;
    const points = this.trail.getLatLngs(),
      last = points.at(-1);
    if (!last || !last.equals([position.latitude, position.longitude])) {
      if (points.length >= LONGEST) this.trail.setLatLngs(points.slice(-LONGEST + 1));
      this.trail.addLatLng([position.latitude, position.longitude]);
    }
    if (this.following) this._center();
  }

  showFences() {
    this.fences.clearLayers();
    for (const fence of fleet.geofences.values()) {
      const shape = fence.attributes.hide
        ? null
        : shapeOf(fence.area, {
            color: safeColour(fence.attributes.color),
            weight: 2,
            fillOpacity: 0.1,
            interactive: false,
          });
      if (shape) this.fences.addLayer(shape);
    }
  }

  /** @param {any} event */
  _clicked(event) {
    if (this.drawing) {
      this.drawing(event);
      return;
    }
    const ids = this.markers.at(event.containerPoint);
    if (ids.length === 1) go("device", ids[0]);
    else if (ids.length > 1) this.showPlaces(ids.map((/** @type {number} */ id) => this.markers.placeOf(id)));
    else if (here()[0] === "device" && here().length === 2) go("devices");
  }

  remove() {
    for (const off of this._off) off();
    this._sizes.disconnect();
    this.map.remove();
  }
}

/** A colour that a user has given; what is none is ours. @param {any} text */
export function safeColour(text) {
  return typeof text === "string" && CSS.supports("color", text) ? text : colour("--accent");
}
