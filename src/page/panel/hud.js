/**
 * The instruments: ship, place, connection, and the one line that says what can be done now.
 *
 * @module hud
 */

import { byId, setAttribute, setText, setVariable } from "./dom.js";
import { credits, rate, riskWords, securityWords, stationName, title, whole } from "../app/words.js";

/** @typedef {import("../game/world.js").World} World */
/** @typedef {import("../game/clock.js").Clock} Clock */
/** @typedef {import("../app/link.js").Link} Link */
/** @typedef {import("../game/flight.js").Body} Body */
/** @typedef {import("../types.js").ChartStation} ChartStation */

const LOW = 0.3;
const TRAFFIC_MS = 1000;

export class Hud {
  constructor() {
    this.view = byId("view");
    this.speed = byId("speed");
    this.cargo = byId("cargo");
    this.credits = byId("credits");
    this.placeName = byId("place-name");
    this.placeWords = byId("place-words");
    this.risk = byId("risk-gauge");
    this.line = byId("line");
    this.ping = byId("line-ping");
    this.rate = byId("line-rate");
    this.bytes = byId("line-bytes");
    this.time = byId("line-time");
    this.prompt = byId("prompt");
    this.promptWords = /** @type {HTMLElement} */ (this.prompt.firstElementChild);
    this.promptKey = /** @type {HTMLElement} */ (this.prompt.lastElementChild);
    this.hull = byId("hull-gauge");
    this.fuel = byId("fuel-gauge");
    this.trafficAt = 0;
    this.bytesBefore = 0;
    this.tickBefore = 0;
    this.bytesPerSecond = 0;
    this.ticksPerSecond = 0;
  }

  /**
   * @param {HTMLElement} gauge
   * @param {number} value
   * @param {number} most
   */
  gauge(gauge, value, most) {
    const part = most > 0 ? Math.max(0, Math.min(1, value / most)) : 0;
    const bar = /** @type {HTMLElement} */ (gauge.querySelector("i"));
    const number = /** @type {HTMLElement} */ (gauge.querySelector("b"));
    setVariable(bar, "--part", part.toFixed(3));
    setText(number, whole(Math.ceil(value)));
    setAttribute(gauge, "aria-valuenow", String(Math.ceil(value)));
    setAttribute(gauge, "aria-valuemax", String(most));
    gauge.classList.toggle("low", part < LOW);
  }

  /**
   * @param {World} world
   * @param {Body} own
   */
  ship(world, own) {
    const { you } = world;
    if (!you) return;
    this.gauge(this.hull, you.hull, you.hull_max ?? 100);
    this.gauge(this.fuel, you.fuel, you.fuel_max ?? 100);
    setText(this.speed, whole(Math.hypot(own.vx, own.vy)));
    const held = you.cargo.reduce((sum, row) => sum + row.qty, 0);
    setText(this.cargo, you.cargo_capacity ? `${held}/${you.cargo_capacity}` : String(held));
    setText(this.credits, credits(you.credits));
  }

  /** @param {World} world */
  place(world) {
    const { context } = world;
    const innermost = context?.zone_ids.at(-1);
    setText(this.placeName, innermost ? title(innermost) : `${world.systemName}, open space`);
    if (!context) return;
    const risk = Math.max(0, Math.min(1, context.blended_risk));
    const words = riskWords(risk);
    setVariable(this.risk, "--part", risk.toFixed(2));
    setAttribute(this.risk, "aria-valuenow", String(Math.round(risk * 100)));
    setAttribute(this.risk, "aria-valuetext", words);
    const zone = world.zones.find((one) => one.zone_id === innermost);
    const truce = zone && !zone.pvp_allowed ? ", pilots at truce" : "";
    const pay = `bounty ×${context.blended_profit_multiplier.toFixed(2)}`;
    setText(this.placeWords, `${words.charAt(0).toUpperCase()}${words.slice(1)}, ${securityWords(context.blended_security)}, ${pay}${truce}`);
  }

  /**
   * The picture in words, for whoever cannot see it.
   * @param {World} world
   * @param {Body} own
   */
  describe(world, own) {
    let ships = 0;
    let pirates = 0;
    for (const entity of world.entities.values()) {
      if (!entity.isShip || entity.id === world.shipId) continue;
      ships += 1;
      if (entity.kind === "pirate") pirates += 1;
    }
    const degrees = Math.round(((own.r * 180) / Math.PI + 360) % 360);
    setAttribute(this.view, "aria-label", `Flight view. Heading ${degrees} degrees, speed ${whole(Math.hypot(own.vx, own.vy))}. ${ships} ships in sight, ${pirates} of them pirates.`);
  }

  /**
   * @param {Link} link
   * @param {Clock} clock
   * @param {World} world
   * @param {Body} own
   * @param {number} nowMs
   */
  connection(link, clock, world, own, nowMs) {
    const { dilation } = world;
    const span = nowMs - this.trafficAt;
    if (span > TRAFFIC_MS) {
      this.bytesPerSecond = ((link.bytesIn - this.bytesBefore) / span) * 1000;
      const ticks = world.tick - this.tickBefore;
      const seen = ticks >= 0 && this.tickBefore > 0 ? (ticks / span) * 1000 : world.tickRate;
      this.ticksPerSecond += (seen - this.ticksPerSecond) * (this.ticksPerSecond > 0 ? 0.3 : 1);
      this.bytesBefore = link.bytesIn;
      this.tickBefore = world.tick;
      this.trafficAt = nowMs;
      this.describe(world, own);
    }
    const slow = dilation < 0.995;
    const flying = link.state === "flying";
    setText(this.ping, flying ? `${Math.round(clock.rttMs)} ms` : link.state);
    setText(this.rate, flying ? `${Math.round(this.ticksPerSecond)} Hz` : "");
    setText(this.bytes, flying ? rate(this.bytesPerSecond) : "");
    setText(this.time, flying && slow ? `time ×${dilation.toFixed(2)}` : "");
    this.line.classList.toggle("bad", !flying || clock.rttMs > 350 || slow);
  }

  /**
   * @param {World} world
   * @param {Body} own
   * @param {{docking: boolean, alive: boolean, touch: boolean}} state
   * @returns {ChartStation | null} the station in whose ring the ship is
   */
  docking(world, own, state) {
    let near = null;
    for (const station of world.stations.values()) {
      if (Math.hypot(station.x - own.x, station.y - own.y) < station.docking_radius) near = station;
    }
    const speed = Math.hypot(own.vx, own.vy);
    let words = "";
    let key = "";
    let warn = false;
    if (!state.alive) {
      words = "Your ship was destroyed. A new one is being readied.";
      warn = true;
    } else if (near && world.you?.docked_at == null) {
      const name = stationName(near);
      const pause = Math.ceil(world.dockPauseSeconds);
      if (pause > 0) words = state.docking ? `Docking at ${name} in ${pause} s` : `In reach of ${name}: its dock takes you in ${pause} s`;
      else if (state.docking) words = near.docking_speed_max > 0 && speed > near.docking_speed_max ? `Slowing down for ${name}` : `Docking at ${name}`;
      else if (state.touch) words = `In reach of ${name}: tap Dock`;
      else [words, key] = [`In reach of ${name}: dock with`, "E"];
    } else if (state.docking) {
      words = "Coming about for the dock";
    } else if (world.you && world.you.fuel <= 0) {
      words = "The tank is empty: a tenth of your thrust is left";
      warn = true;
    }
    setText(this.promptWords, words);
    setText(this.promptKey, key);
    this.promptKey.hidden = key === "";
    this.prompt.classList.toggle("idle", words === "");
    this.prompt.classList.toggle("warn", warn);
    return near;
  }
}
