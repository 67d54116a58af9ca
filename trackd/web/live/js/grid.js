/**
 * The ground of a map without pictures: lines of latitude and longitude, drawn here, so that nobody outside is asked.
 */

import { colour } from "./dom.js";

/* global L */

/** Pixels between two lines, at least. */
const APART = 90;
const STEPS = [45, 30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001];

/** A layer that covers the map and is drawn anew after each move; it goes along with the map's own animations. */
export const Drawn = L.Layer.extend({
  /** @param {any} map */
  onAdd(map) {
    const canvas = document.createElement("canvas");
    canvas.className = "leaflet-zoom-animated";
    canvas.setAttribute("aria-hidden", "true");
    this._canvas = canvas;
    this.getPane().append(canvas);
    this._place();
  },

  /** @param {any} map */
  onRemove(map) {
    this._canvas.remove();
  },

  getEvents() {
    return {
      move: this._place,
      zoomend: this._place,
      resize: this._place,
      viewreset: this._place,
      zoomanim: this._animate,
    };
  },

  _place() {
    const map = this._map,
      size = map.getSize(),
      ratio = devicePixelRatio || 1,
      canvas = this._canvas;
    L.DomUtil.setPosition(canvas, map.containerPointToLayerPoint([0, 0]));
    if (canvas.width !== Math.round(size.x * ratio) || canvas.height !== Math.round(size.y * ratio)) {
      canvas.width = Math.round(size.x * ratio);
      canvas.height = Math.round(size.y * ratio);
      canvas.style.width = `${size.x}px`;
      canvas.style.height = `${size.y}px`;
    }
    this.redraw();
  },

  /** @param {any} event */
  _animate(event) {
    const map = this._map;
    const offset = map._latLngBoundsToNewLayerBounds(map.getBounds(), event.zoom, event.center).min;
    L.DomUtil.setTransform(this._canvas, offset, map.getZoomScale(event.zoom));
  },

  redraw() {
    if (!this._map) return;
    const ratio = devicePixelRatio || 1,
      size = this._map.getSize(),
      context = this._canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, size.x, size.y);
    this.draw(context, size);
  },
});

export const Grid = Drawn.extend({
  options: { pane: "tilePane" },

  /** @param {CanvasRenderingContext2D} context @param {any} size */
  draw(context, size) {
    const map = this._map,
      bounds = map.getBounds(),
      zoom = map.getZoom();
    const degrees = (APART * 360) / (256 * 2 ** zoom);
    const step = STEPS.findLast((one) => one >= degrees) ?? STEPS[0];
    const digits = Math.max(0, Math.ceil(-Math.log10(step)));
    context.strokeStyle = colour("--grid");
    context.fillStyle = colour("--soft");
    context.font = "11px system-ui, sans-serif";
    context.lineWidth = 1;
    context.beginPath();
    for (let value = Math.floor(bounds.getWest() / step) * step; value <= bounds.getEast(); value += step) {
      const x = Math.round(map.latLngToContainerPoint([0, value]).x) + 0.5;
      context.moveTo(x, 0);
      context.lineTo(x, size.y);
      context.fillText(`${value.toFixed(digits)}°`, x + 4, size.y - 6);
    }
    for (
      let value = Math.max(-85, Math.floor(bounds.getSouth() / step) * step);
      value <= Math.min(85, bounds.getNorth());
      value += step
    ) {
      const y = Math.round(map.latLngToContainerPoint([value, 0]).y) + 0.5;
      context.moveTo(0, y);
      context.lineTo(size.x, y);
      context.fillText(`${value.toFixed(digits)}°`, 6, y - 4);
    }
    context.stroke();
  },
});
