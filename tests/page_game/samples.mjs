/**
 * Small messages, as the server sends them, for the tests of the page's game.
 *
 * @module samples
 */

import { FLIGHT_DEFAULT } from "../../src/page/game/flight.js";

/** Simulated seconds of a tick at the usual rate. */
export const TICK_SECONDS = 1 / 30;

/**
 * A row of an entity; what is not given is zero.
 * @param {string} id
 * @param {Partial<import("../../src/page/types.js").EntityRow>} [fields]
 * @returns {import("../../src/page/types.js").EntityRow}
 */
export const row = (id, fields = {}) => ({ id, kind: "trader", x: 0, y: 0, vx: 0, vy: 0, r: 0, hp: 100, ...fields });

/**
 * The pilot's means.
 * @param {Partial<import("../../src/page/types.js").You>} [fields]
 * @returns {import("../../src/page/types.js").You}
 */
export const you = (fields = {}) => ({
  ship_id: "me",
  credits: 1000,
  hull: 100,
  fuel: 80,
  cargo: [],
  docked_at: null,
  cargo_capacity: 50,
  hull_max: 100,
  fuel_max: 100,
  ...fields,
});

/**
 * @param {Partial<import("../../src/page/types.js").WorldSnapshot>} [fields]
 * @returns {import("../../src/page/types.js").WorldSnapshot}
 */
export const snapshot = (fields = {}) => ({ tick: 100, you: you(), entities: [], markets: [], zones: [], ...fields });

/**
 * @param {number} tick
 * @param {Partial<import("../../src/page/types.js").WorldDelta>} [fields]
 * @returns {import("../../src/page/types.js").WorldDelta}
 */
export const delta = (tick, fields = {}) => ({
  tick,
  entity_updates: [],
  entity_removed: [],
  events: [],
  you_zone_context: { zone_ids: [], blended_risk: 0, blended_security: 0, blended_profit_multiplier: 1 },
  ...fields,
});

/**
 * @param {string} id
 * @param {number} x
 * @returns {import("../../src/page/types.js").ChartStation}
 */
export const station = (id, x) => ({
  station_id: id,
  name: id.toUpperCase(),
  x,
  y: 0,
  radius: 40,
  docking_radius: 300,
  docking_speed_max: 30,
  repair_price: 5,
});

/**
 * @param {Partial<import("../../src/page/types.js").SessionJoined>} [fields]
 * @returns {import("../../src/page/types.js").SessionJoined}
 */
export const joined = (fields = {}) => ({
  system_id: "sol-1",
  ship_id: "me",
  spawn: { x: 0, y: 0, rotation: 0 },
  tick_rate: 30,
  tick: 1,
  protocol_version: 1,
  view_radius: 1000,
  flight: FLIGHT_DEFAULT,
  chart: {
    name: "Sol",
    half_extent: 5000,
    stations: [station("earth", 1000), station("mars", -400)],
    commodities: [{ id: "iron_ore", name: "Iron ore" }],
    systems: [{ id: "sol-1", name: "Sol" }],
    weapon: { muzzle_speed: 500, cooldown_ms: 300, lifetime_ms: 2000 },
    jump: { fuel: 40, duration_ms: 10_000 },
  },
  ...fields,
});

/**
 * Fails unless two numbers are alike to a billionth.
 * @param {number} actual
 * @param {number} expected
 * @param {string} [what]
 */
export function near(actual, expected, what = "") {
  if (!(Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected)))) {
    throw new Error(`${what} is ${actual}, not ${expected}`);
  }
}
