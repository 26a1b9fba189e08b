/**
 * The protocol's codes and ids in a pilot's words, and numbers as the instruments print them.
 *
 * @module words
 */

/** @type {Record<string, string>} */
const REFUSALS = {
  NOT_DOCKED: "You must be docked for that.",
  WRONG_STATION: "You are docked at another station.",
  UNKNOWN_STATION: "There is no such station here.",
  UNKNOWN_COMMODITY: "This station does not deal in that.",
  INVALID_QUANTITY: "That quantity cannot be traded.",
  INSUFFICIENT_CREDITS: "Not enough credits.",
  INSUFFICIENT_CARGO: "You do not hold that much.",
  INSUFFICIENT_FUEL: "Not enough fuel for the jump. Refuel first.",
  CARGO_FULL: "There is no room for that.",
  OUT_OF_STOCK: "The station has not that much in stock.",
  NOTHING_TO_REPAIR: "The hull is already whole.",
  SHIP_DESTROYED: "Your ship is gone; a new one is on its way.",
  RATE_LIMITED: "Too fast. Wait a moment and try again.",
  REQUEST_ID_REUSED: "That order was already used for another trade.",
  SYSTEM_FULL: "The system is full. Trying again.",
  UNKNOWN_SYSTEM: "There is no such system.",
  STALE_SEQ: "The order came too late. Try again.",
  INVALID_TOKEN: "That token is not valid here.",
  TOKEN_EXPIRED: "That token has run out.",
  INTERNAL: "The server had a fault. Nothing was booked.",
  DISCONNECTED: "The connection ended before the answer.",
};

/**
 * @param {import("../types.js").Failure} failure
 */
export function refusal(failure) {
  return REFUSALS[failure.code] ?? failure.message ?? failure.code;
}

/** @type {Record<string, string>} */
const KINDS = {
  player_ship: "Pilot",
  pirate: "Pirate",
  patrol: "Patrol",
  trader: "Trader",
  projectile: "Shot",
  station: "Station",
};

/** @param {string} kind */
export function kindName(kind) {
  return KINDS[kind] ?? title(kind);
}

/**
 * `earth-orbit-station` as `Earth Orbit`, `z_hollow_belt` as `Hollow Belt`.
 * @param {string} id
 */
export function title(id) {
  return id
    .replace(/^z_/, "")
    .replace(/[-_]station$/, "")
    .split(/[-_ ]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(" ");
}

/** @param {import("../types.js").ChartStation} station */
export function stationName(station) {
  return station.name || title(station.station_id);
}

/**
 * How dangerous a place is, out of 1.
 * @param {number} risk
 */
export function riskWords(risk) {
  if (risk < 0.15) return "safe";
  if (risk < 0.35) return "quiet";
  if (risk < 0.55) return "uneasy";
  if (risk < 0.75) return "dangerous";
  return "deadly";
}

/**
 * How likely help is, out of 1.
 * @param {number} security
 */
export function securityWords(security) {
  if (security < 0.12) return "no patrols";
  if (security < 0.4) return "few patrols";
  if (security < 0.7) return "patrolled";
  return "well guarded";
}

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** @param {number} value */
export function whole(value) {
  return WHOLE.format(Math.round(value)).replaceAll(",", "\u202f");
}

/** @param {number} credits */
export function credits(credits) {
  return `${whole(credits)}\u202fcr`;
}

/** @param {number} units */
export function distance(units) {
  return units < 1000 ? `${Math.round(units / 10) * 10}` : `${(units / 1000).toFixed(1)}k`;
}

/** @param {number} bytesPerSecond */
export function rate(bytesPerSecond) {
  return bytesPerSecond < 1000 ? `${Math.round(bytesPerSecond)} B/s` : `${(bytesPerSecond / 1000).toFixed(1)} kB/s`;
}
