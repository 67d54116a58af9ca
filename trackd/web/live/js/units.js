/** Numbers, places and times in the units of the user's preferences; what comes in is in those of the API. */

import { language, t, word } from "./words.js";

/** @type {any} */
let server = { attributes: {} };
/** @type {any} */
let user = { attributes: {} };

/** @param {any} theServer @param {any} theUser */
export function prefer(theServer, theUser) {
  server = theServer ?? server;
  user = theUser ?? { attributes: {} };
}

/** A preference: the user's before the server's, or the other way round if the server insists. @param {string} name */
export function preference(name) {
  const [first, second] = server.forceSettings ? [server, user] : [user, server];
  return first[name] || first.attributes?.[name] || second[name] || second.attributes?.[name] || null;
}

const SPEED = { kn: [1, "kn"], kmh: [1.852, "km/h"], mph: [1.150779, "mph"] };
const DISTANCE = { km: [0.001, "km"], mi: [0.000621371, "mi"], nmi: [0.000539957, "nmi"] };
const ALTITUDE = { m: [1, "m"], ft: [3.28084, "ft"] };
const VOLUME = { ltr: [1, "l"], usGal: [0.264172, "gal"], impGal: [0.219969, "gal"] };

/** @param {Record<string, any[]>} table @param {string} name @param {string} otherwise @returns {[number, string]} */
const unit = (table, name, otherwise) => table[preference(name) ?? otherwise] ?? table[otherwise];

/** @param {number} value @param {number} digits */
export const number = (value, digits = 0) =>
  new Intl.NumberFormat(language, { maximumFractionDigits: digits, minimumFractionDigits: 0 }).format(value);

/** Factor from knots, and the unit's name. */
export const speedUnit = () => unit(SPEED, "speedUnit", "kmh");
/** Factor from metres, and the unit's name. */
export const altitudeUnit = () => unit(ALTITUDE, "altitudeUnit", "m");

/** @param {number} knots */
export function speed(knots) {
  const [factor, name] = speedUnit();
  return `${number(knots * factor)} ${name}`;
}

/** @param {number} metres */
export function distance(metres) {
  const [factor, name] = unit(DISTANCE, "distanceUnit", "km");
  const value = metres * factor;
  return `${number(value, value < 100 ? 1 : 0)} ${name}`;
}

/** @param {number} metres */
export function altitude(metres) {
  const [factor, name] = altitudeUnit();
  return `${number(metres * factor)} ${name}`;
}

/** @param {number} litres */
export function volume(litres) {
  const [factor, name] = unit(VOLUME, "volumeUnit", "ltr");
  return `${number(litres * factor, 1)} ${name}`;
}

/** @param {number} degrees @param {number} digits */
const plain = (degrees, digits) => degrees.toFixed(digits);

/** @param {number} latitude @param {number} longitude */
export function place(latitude, longitude) {
  const form = preference("coordinateFormat");
  if (form !== "ddm" && form !== "dms") return `${plain(latitude, 6)}, ${plain(longitude, 6)}`;
  const one = (/** @type {number} */ value, /** @type {string} */ letters) => {
    const size = Math.abs(value),
      whole = Math.floor(size),
      minutes = (size - whole) * 60;
    const letter = letters[value < 0 ? 1 : 0];
    if (form === "ddm") return `${whole}° ${minutes.toFixed(4)}′ ${letter}`;
    return `${whole}° ${Math.floor(minutes)}′ ${((minutes % 1) * 60).toFixed(1)}″ ${letter}`;
  };
  return `${one(latitude, "NS")}, ${one(longitude, "EW")}`;
}

/** The zone in which times are shown, by its name; undefined: the browser's. */
export function zone() {
  const wanted = preference("timezone");
  try {
    new Intl.DateTimeFormat("en", { timeZone: wanted ?? undefined });
    return wanted ?? undefined;
  } catch {
    return undefined;
  }
}

/** @param {string | number | Date | null} moment */
export function time(moment) {
  if (moment === null) return "–";
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium", timeZone: zone() }).format(
    new Date(moment),
  );
}

/** @param {string | number | Date} moment */
export const clock = (moment) =>
  new Intl.DateTimeFormat(language, { timeStyle: "medium", timeZone: zone() }).format(new Date(moment));

/** How long ago, in short. @param {number} ms */
export function age(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 10) return t("age.now");
  if (seconds < 60) return t("age.seconds", { n: seconds });
  if (seconds < 3600) return t("age.minutes", { n: Math.floor(seconds / 60) });
  if (seconds < 86400) return t("age.hours", { n: Math.floor(seconds / 3600) });
  return t("age.days", { n: Math.floor(seconds / 86400) });
}

/** @param {number} ms */
export function duration(ms) {
  const minutes = Math.floor(ms / 60000);
  if (minutes < 1) return `${Math.floor(ms / 1000)} s`;
  return minutes < 60 ? `${minutes} min` : `${number(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

/** @param {number} bytes */
export function size(bytes) {
  const steps = ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  for (; bytes >= 1000 && step < steps.length - 1; step += 1) bytes /= 1000;
  return `${number(bytes, 1)} ${steps[step]}`;
}

/** @param {number} degrees */
export function course(degrees) {
  const names = t("course.names").split(" ");
  return `${number(degrees)}° ${names[Math.round((((degrees % 360) + 360) % 360) / 45) % 8]}`;
}

const KINDS = {
  odometer: distance,
  serviceOdometer: distance,
  tripOdometer: distance,
  distance,
  totalDistance: distance,
  obdOdometer: distance,
  hours: duration,
  drivingTime: duration,
  fuel: volume,
  fuelUsed: volume,
  speedLimit: speed,
  fuelConsumption: (/** @type {number} */ value) => `${volume(value)}/h`,
  obdSpeed: (/** @type {number} */ value) => speed(value / 1.852),
};
const NAMES = {
  batteryLevel: "%",
  fuelLevel: "%",
  engineLoad: "%",
  throttle: "%",
  humidity: "%",
  power: "V",
  battery: "V",
  temp: "°C",
  deviceTemp: "°C",
  coolantTemp: "°C",
  engineTemp: "°C",
  heartRate: "/min",
  rpm: "/min",
  rssi: "",
  sat: "",
};

/** The value of a position's attribute. @param {string} name @param {any} value @returns {string} */
export function attributeValue(name, value) {
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  if (name === "alarm")
    return String(value)
      .split(",")
      .map((one) => word("alarm", one))
      .join(", ");
  if (typeof value === "number") {
    if (Object.hasOwn(KINDS, name)) return KINDS[name](value);
    const unitName = NAMES[name] ?? NAMES[name.replace(/\d+$/, "")];
    return `${number(value, 3)}${unitName ? ` ${unitName}` : ""}`;
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
