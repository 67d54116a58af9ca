/** Geofences: the list, and drawing them on the map. */

import { api } from "./api.js";
import { readArea, shapeOf, writeArea } from "./areas.js";
import { attempt, confirmed, formDialog, notice } from "./dialog.js";
import { fill, h } from "./dom.js";
import { fenced, fleet } from "./fleet.js";
import { icon } from "./icons.js";
import { safeColour } from "./map.js";
import { may } from "./may.js";
import { speedUnit } from "./units.js";
import { t } from "./words.js";

/* global L */

/** Metres of a circle that was only clicked, and of the smallest. */
const RADIUS = 200;
const LEAST = 5;

export class FenceList {
  /** @param {HTMLElement} place @param {import("./map.js").MapView} map */
  constructor(place, map) {
    this.place = place;
    this.map = map;
    /** @type {Drawing | null} */
    this.drawing = null;
    this._off = fenced.on(() => this.draw());
  }

  show() {
    this.draw();
  }

  hide() {
    this.drawing?.end();
    this.drawing = null;
  }

  draw() {
    if (this.drawing) return;
    fill(
      this.place,
      h("h2", {}, t("fences")),
      may.change() &&
        h(
          "div.buttons",
          { role: "group", "aria-label": t("fences.draw") },
          /** @type {const} */ (["polygon", "circle", "line"]).map((kind) =>
            h("button", { type: "button", onclick: () => this._begin(kind, null) }, icon("add"), t(`fences.${kind}`)),
          ),
        ),
      fleet.geofences.size === 0 && h("p.quiet", {}, t("fences.none")),
      h(
        "ul.plain.things",
        {},
        [...fleet.geofences.values()].map((fence) =>
          h(
            "li",
            {},
            h(
              "button.plain.texts",
              { type: "button", onclick: () => this._look(fence) },
              h("b", {}, fence.name),
              h("small", {}, fence.description ?? ""),
            ),
            may.change() && [
              h(
                "button.plain.icon-only",
                { type: "button", "aria-label": `${t("edit")}: ${fence.name}`, onclick: () => this._edit(fence) },
                icon("edit"),
              ),
              h(
                "button.plain.icon-only",
                { type: "button", "aria-label": `${t("delete")}: ${fence.name}`, onclick: () => this._delete(fence) },
                icon("trash"),
              ),
            ],
          ),
        ),
      ),
    );
  }

  /** @param {any} fence */
  _look(fence) {
    const shape = shapeOf(fence.area, {});
    if (shape) this.map.map.fitBounds(shape.addTo(this.map.map).getBounds(), { padding: [40, 40], maxZoom: 17 });
    shape?.remove();
  }

  /** @param {any} fence */
  _edit(fence) {
    const area = readArea(fence.area);
    if (!area) {
      this._save(fence, fence.area);
      return;
    }
    this._look(fence);
    this._begin(area.kind, fence);
  }

  /** @param {"polygon" | "circle" | "line"} kind @param {any} fence */
  _begin(kind, fence) {
    this.drawing?.end();
    this.drawing = new Drawing(this.map, kind, fence ? readArea(fence.area) : null);
    document.querySelector(".frame")?.setAttribute("data-part", "map");
    const back = () => {
      this.hide();
      document.querySelector(".frame")?.setAttribute("data-part", "panel");
      this.draw();
      this.map.showFences();
    };
    const bar = h(
      "div.draw-bar",
      { role: "group", "aria-label": t("fences.draw") },
      h("span", { role: "status" }, t(`fences.${kind}.how`)),
      h("button", { type: "button", onclick: () => this.drawing?.undo() }, t("undo")),
      h("button", { type: "button", onclick: back }, t("cancel")),
      h(
        "button.strong",
        {
          type: "button",
          onclick: () => {
            const area = this.drawing?.area();
            if (!area) notice(t("fences.few"), { kind: "bad" });
            else {
              back();
              this._save(fence, writeArea(area));
            }
          },
        },
        t("done"),
      ),
    );
    this.drawing.bar(bar);
    fill(this.place, h("h2", {}, t("fences")), h("p", {}, t(`fences.${kind}.how`)), h("p.quiet", {}, t("fences.drag")));
  }

  /** @param {any} fence @param {string} area */
  _save(fence, area) {
    const [factor, unit] = speedUnit(),
      limit = fence?.attributes.speedLimit;
    formDialog(
      fence ? t("fences.change") : t("fences.add"),
      [
        { name: "name", label: t("device.name"), value: fence?.name, required: true, length: 128 },
        { name: "description", label: t("fences.description"), value: fence?.description, length: 128 },
        {
          name: "color",
          label: t("fences.color"),
          kind: "color",
          value: /^#[0-9a-f]{6}$/i.test(fence?.attributes.color ?? "") ? fence.attributes.color : "#0b6e4f",
        },
        {
          name: "limit",
          label: t("fences.limit", { unit }),
          kind: "number",
          least: 0,
          value: limit ? Math.round(limit * factor) : null,
        },
        {
          name: "area",
          label: t("fences.area"),
          kind: "textarea",
          value: area,
          required: true,
          hint: t("fences.area.hint"),
        },
      ],
      {
        fine: t("saved"),
        save: async (values) => {
          if (!readArea(values.area ?? "")) throw Object.assign(new Error(t("fences.area.bad")), { status: 400 });
          const { speedLimit: _, ...attributes } = fence?.attributes ?? {};
          const body = {
            calendarId: 0,
            ...(fence ?? {}),
            name: values.name,
            description: values.description,
            area: values.area,
            attributes: {
              ...attributes,
              color: values.color,
              ...(values.limit ? { speedLimit: values.limit / factor } : {}),
            },
          };
          const saved = fence ? await api.put(`geofences/${fence.id}`, body) : await api.post("geofences", body);
          fleet.geofences.set(saved.id, saved);
          fenced.say();
        },
      },
    );
  }

  /** @param {any} fence */
  async _delete(fence) {
    if (await confirmed(t("fences.delete"), t("fences.delete.sure", { name: fence.name }), t("delete"))) {
      await attempt(async () => {
        await api.remove(`geofences/${fence.id}`);
        fleet.geofences.delete(fence.id);
        fenced.say();
      });
    }
  }

  remove() {
    this._off();
    this.hide();
  }
}

/** One area while it is drawn: a click adds a point, points can be dragged; of a circle, the second one is its edge. */
class Drawing {
  /**
   * @param {import("./map.js").MapView} map
   * @param {"polygon" | "circle" | "line"} kind @param {import("./areas.js").Area | null} area
   */
  constructor(map, kind, area) {
    this.map = map;
    this.kind = kind;
    /** @type {any[]} */
    this.points = [];
    this.layer = L.layerGroup().addTo(map.map);
    this.style = { color: safeColour("#c2410c"), weight: 3, fillOpacity: 0.15, interactive: false, dashArray: "6 4" };
    for (const point of area?.points ?? []) this._add(L.latLng(point));
    if (area?.kind === "circle") this._add(edge(L.latLng(area.points[0]), area.radius ?? RADIUS));
    map.drawing = (event) => this._add(event.latlng);
    map.map.getContainer().classList.add("draws");
    map.map.doubleClickZoom.disable();
    this._draw();
  }

  /** @param {HTMLElement} element */
  bar(element) {
    this._bar = element;
    L.DomEvent.disableClickPropagation(element);
    this.map.map.getContainer().append(element);
  }

  /** @param {any} place */
  _add(place) {
    if (this.kind === "circle" && this.points.length === 2) this.points.pop().remove();
    const knob = L.marker(place, {
      draggable: true,
      keyboard: false,
      icon: L.divIcon({ className: "knob", iconSize: [16, 16], html: false }),
    }).addTo(this.layer);
    knob.on("drag", () => this._draw());
    this.points.push(knob);
    this._draw();
  }

  undo() {
    this.points.pop()?.remove();
    this._draw();
  }

  /** @returns {import("./areas.js").Area | null} null: there are too few points */
  area() {
    const points = this.points
      .map((knob) => knob.getLatLng().wrap())
      .map(({ lat, lng }) => /** @type {[number, number]} */ ([lat, lng]));
    if (this.kind === "circle") {
      if (!points.length) return null;
      const radius = points.length > 1 ? this.map.map.distance(points[0], points[1]) : RADIUS;
      return { kind: "circle", points: points.slice(0, 1), radius: Math.max(LEAST, radius) };
    }
    return points.length >= (this.kind === "polygon" ? 3 : 2) ? { kind: this.kind, points } : null;
  }

  _draw() {
    this._shape?.remove();
    const area = this.area(),
      places = this.points.map((knob) => knob.getLatLng());
    this._shape = area
      ? shapeOf(writeArea(area), this.style)
      : places.length > 1
        ? L.polyline(places, this.style)
        : null;
    this._shape?.addTo(this.layer);
  }

  end() {
    this.layer.remove();
    this._bar?.remove();
    this.map.drawing = null;
    this.map.map.getContainer().classList.remove("draws");
    this.map.map.doubleClickZoom.enable();
  }
}

/** A place so many metres to the east. @param {any} center @param {number} metres */
const edge = (center, metres) =>
  L.latLng(center.lat, center.lng + metres / (111_320 * Math.cos((center.lat * Math.PI) / 180)));
