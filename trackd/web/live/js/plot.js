/** Speed and altitude over time. */

import { colour } from "./dom.js";
import { altitudeUnit, clock, speedUnit, zone } from "./units.js";
import { t } from "./words.js";

/* global uPlot */

const HEIGHT = 150;

export class Plot {
  /**
   * @param {HTMLElement} place
   * @param {any[]} positions @param {(number: number) => void} pointed a position was pointed at
   */
  constructor(place, positions, pointed) {
    const [fast, speedName] = speedUnit(),
      [high, altitudeName] = altitudeUnit();
    const times = positions.map((one) => Date.parse(one.fixTime) / 1000);
    const axis = {
      stroke: colour("--soft"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui",
    };
    const timeZone = zone();
    this._plot = new uPlot(
      {
        width: Math.max(200, place.clientWidth),
        height: HEIGHT,
        padding: [8, 4, 0, 0],
        legend: { show: false },
        tzDate: (/** @type {number} */ seconds) =>
          timeZone ? uPlot.tzDate(new Date(seconds * 1000), timeZone) : new Date(seconds * 1000),
        cursor: { drag: { x: false, y: false }, points: { size: 6 } },
        scales: {
          speed: {
            range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ most) => [
              0,
              Math.max(10, most * 1.1),
            ],
          },
          altitude: {},
        },
        axes: [
          {
            ...axis,
            size: 26,
            values: (/** @type {any} */ _, /** @type {number[]} */ ticks) =>
              ticks.map((one) => clock(one * 1000).replace(/(:\d\d):\d\d/, "$1")),
          },
          {
            ...axis,
            scale: "speed",
            label: `${t("position.speed")} (${speedName})`,
            labelSize: 18,
            labelFont: axis.font,
            size: 42,
          },
          {
            ...axis,
            scale: "altitude",
            side: 1,
            grid: { show: false },
            label: `${t("position.altitude")} (${altitudeName})`,
            labelSize: 18,
            labelFont: axis.font,
            size: 46,
          },
        ],
        series: [
          {},
          { scale: "speed", stroke: colour("--accent"), width: 2, fill: colour("--veil") },
          { scale: "altitude", stroke: colour("--standing"), width: 1.5 },
        ],
        hooks: {
          setCursor: [
            (/** @type {any} */ plot) => {
              if (plot.cursor.event && plot.cursor.idx !== null) pointed(plot.cursor.idx);
            },
          ],
        },
      },
      [times, positions.map((one) => one.speed * fast), positions.map((one) => one.altitude * high)],
      place,
    );
    this._sizes = new ResizeObserver(() =>
      this._plot.setSize({ width: Math.max(200, place.clientWidth), height: HEIGHT }),
    );
    this._sizes.observe(place);
    this._times = times;
  }

  /** Point at the position of this number. @param {number} number */
  mark(number) {
    if (this._plot.cursor.event && this._plot.cursor.idx === number) return;
    this._plot.setCursor({ left: this._plot.valToPos(this._times[number], "x"), top: 0 }, false);
  }

  remove() {
    this._sizes.disconnect();
    this._plot.destroy();
  }
}
