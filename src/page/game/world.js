/**
 * What the pilot's ship can sense: the entities in view, the system's fixtures, the pilot's means.
 *
 * Snapshots and deltas go in; per frame `sample` moves every entity to the tick being drawn. What
 * happened on the way is told through `hooks`, at the moment it is drawn rather than received.
 *
 * @module world
 */

import { Entity } from "./entity.js";
import { FLIGHT_DEFAULT } from "./flight.js";
import { title } from "../app/words.js";

/** @typedef {import("../types.js").SessionJoined} SessionJoined */
/** @typedef {import("../types.js").WorldSnapshot} WorldSnapshot */
/** @typedef {import("../types.js").WorldDelta} WorldDelta */
/** @typedef {import("../types.js").You} You */
/** @typedef {import("../types.js").Zone} Zone */
/** @typedef {import("../types.js").Market} Market */
/** @typedef {import("../types.js").ZoneContext} ZoneContext */
/** @typedef {import("../types.js").EntityRow} EntityRow */
/** @typedef {import("../types.js").ChartStation} ChartStation */

/**
 * @typedef {object} Hooks
 * @property {(entity: Entity, reason: string) => void} gone
 * @property {(event: import("../types.js").WorldEvent) => void} event
 */

const STATION_RADIUS = 40;
const DOCKING_RADIUS = 300;
const MUZZLE_SPEED = 520;

export class World {
  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    /** @type {Map<string, Entity>} */
    this.entities = new Map();
    /** @type {Map<string, ChartStation>} */
    this.stations = new Map();
    /** @type {Zone[]} */
    this.zones = [];
    /** @type {Map<string, Market>} */
    this.markets = new Map();
    /** @type {ZoneContext | null} */
    this.context = null;
    /** @type {You | null} */
    this.you = null;
    this.systemId = "";
    this.shipId = "";
    this.halfExtent = 0;
    this.viewRadius = 1000;
    this.tickRate = 30;
    /** Simulated seconds a second: how fast the ticks come. */
    this.dilation = 1;
    this.tick = 0;
    this.lastInputSeq = 0;
    /** @type {import("../types.js").Flight} */
    this.flight = FLIGHT_DEFAULT;
    /** @type {import("../types.js").Named[]} */
    this.systems = [];
    /** What the way to another system costs. */
    this.jump = { fuel: 0, duration_ms: 0 };
    /** What goods are called. @type {Map<string, string>} */
    this.goods = new Map();
    this.systemName = "";
    /** Where the most valuable goods in the hold fetch most. @type {{stationId: string, goods: string} | null} */
    this.bestBuyer = null;
    this.muzzleSpeed = MUZZLE_SPEED;
    /** Bumped whenever a fixture (zone, station, bounds) changed. */
    this.fixturesVersion = 0;
    this.fixturesKey = "";
  }

  /** @param {SessionJoined} joined */
  join(joined) {
    this.entities.clear();
    if (joined.system_id !== this.systemId) {
      this.stations.clear();
      this.markets.clear();
      this.zones = [];
      this.context = null;
    }
    this.systemId = joined.system_id;
    this.shipId = joined.ship_id;
    this.tickRate = joined.tick_rate ?? 30;
    this.viewRadius = joined.view_radius ?? 1000;
    this.flight = { ...FLIGHT_DEFAULT, ...joined.flight };
    this.dilation = 1;
    this.lastInputSeq = 0;
    this.systemName = title(joined.system_id);
    this.halfExtent = 0;
    if (joined.chart) this.read(joined.chart);
    this.fixturesVersion += 1;
  }

  /** @param {import("../types.js").SystemChart} chart */
  read(chart) {
    this.systemName = chart.name;
    this.halfExtent = chart.half_extent;
    this.systems = chart.systems;
    if (chart.jump) this.jump = chart.jump;
    this.muzzleSpeed = chart.weapon.muzzle_speed;
    for (const { id, name } of chart.commodities) this.goods.set(id, name);
    for (const station of chart.stations) this.stations.set(station.station_id, station);
  }

  /**
   * What people call a commodity.
   * @param {string} id
   */
  goodsName(id) {
    return this.goods.get(id) ?? title(id);
  }

  /** Simulated seconds that pass in one tick, however many ticks there are a second. */
  get tickSeconds() {
    return 1 / this.tickRate;
  }

  /** How long the ship can neither dock nor undock yet, in seconds of the pilot's clock. */
  get dockPauseSeconds() {
    const ticks = (this.you?.dock_ready_tick ?? 0) - this.tick;
    return Math.max(0, ticks * this.tickSeconds) / this.dilation;
  }

  /** @param {WorldSnapshot} snapshot */
  applySnapshot(snapshot) {
    this.tick = snapshot.tick;
    // A snapshot leaves out a pause that is over, and another system has other ticks.
    this.you = { ...(this.you ?? {}), dock_ready_tick: undefined, ...snapshot.you };
    if (snapshot.you.ship_id) this.shipId = snapshot.you.ship_id;
    const present = new Set();
    for (const row of snapshot.entities) {
      present.add(row.id);
      this.upsert(snapshot.tick, row);
    }
    for (const entity of this.entities.values()) {
      if (!present.has(entity.id) && entity.goneTick === Infinity) this.leave(entity, snapshot.tick, "left_view");
    }
    for (const market of snapshot.markets ?? []) this.markets.set(market.station_id, market);
    if (snapshot.zones) this.replaceZones(snapshot.zones);
  }

  /** @param {Zone[]} zones */
  replaceZones(zones) {
    const key = JSON.stringify(zones);
    if (key === this.fixturesKey) return;
    this.fixturesKey = key;
    this.zones = zones;
    this.fixturesVersion += 1;
  }

  /** @param {WorldDelta} delta */
  applyDelta(delta) {
    this.tick = delta.tick;
    this.dilation = delta.time_dilation ?? 1;
    if (delta.last_input_seq !== undefined) this.lastInputSeq = delta.last_input_seq;
    if (delta.you && this.you) {
      this.you = { ...this.you, ...delta.you };
      if (delta.you.ship_id) this.shipId = delta.you.ship_id;
    }
    if (delta.you_zone_context) this.context = delta.you_zone_context;
    for (const row of delta.entity_updates ?? []) this.upsert(delta.tick, row);
    for (const id of delta.entity_removed ?? []) {
      const entity = this.entities.get(id);
      if (entity) this.leave(entity, delta.tick, delta.gone?.[id] ?? "left_view");
    }
    for (const event of delta.events ?? []) {
      if (event.kind === "projectile_fired" && event.source_id === this.shipId && event.projectile_id) {
        const shot = this.entities.get(event.projectile_id);
        if (shot) shot.ownShot = true;
      }
      this.hooks.event(event);
    }
  }

  /**
   * @param {number} tick
   * @param {EntityRow} row
   */
  upsert(tick, row) {
    let entity = this.entities.get(row.id);
    if (!entity) {
      if (!row.kind) return;
      entity = new Entity(row.id, row.kind);
      this.entities.set(row.id, entity);
      if (row.kind === "station" && !this.stations.has(row.id)) this.meetStation(row);
    }
    entity.goneTick = Infinity;
    entity.push(tick, row, this.flight, this.tickSeconds);
  }

  /**
   * A station that the join did not describe: remembered from the first time it came into view.
   * @param {EntityRow} row
   */
  meetStation(row) {
    this.stations.set(row.id, {
      station_id: row.id,
      name: "",
      x: row.x,
      y: row.y,
      radius: STATION_RADIUS,
      docking_radius: DOCKING_RADIUS,
      docking_speed_max: 0,
      repair_price: 0,
    });
    this.fixturesVersion += 1;
  }

  /**
   * @param {Entity} entity
   * @param {number} tick
   * @param {string} reason
   */
  leave(entity, tick, reason) {
    entity.goneTick = tick;
    entity.goneReason = reason;
  }

  /**
   * Moves everything to the tick being drawn. Linear in the entities in view.
   * @param {number} tick for others
   * @param {number} ownTick for the pilot's own shots
   */
  sample(tick, ownTick) {
    const seconds = this.tickSeconds;
    for (const entity of this.entities.values()) {
      const at = entity.ownShot ? ownTick : tick;
      if (at >= entity.goneTick) {
        this.entities.delete(entity.id);
        this.hooks.gone(entity, entity.goneReason);
      } else if (entity.kind !== "station" || !entity.visible) {
        entity.sample(at, seconds);
      }
    }
  }

  /**
   * The station nearest to a point, and how far away it is.
   * @param {{x: number, y: number}} from
   */
  nearestStation(from) {
    /** @type {{station: ChartStation, away: number} | null} */
    let nearest = null;
    for (const station of this.stations.values()) {
      const away = Math.hypot(station.x - from.x, station.y - from.y);
      if (!nearest || away < nearest.away) nearest = { station, away };
    }
    return nearest;
  }

  /** Looks again for the best buyer. Work: goods held times stations known. */
  findBuyer() {
    let best = 0;
    this.bestBuyer = null;
    for (const { commodity_id: id, qty } of this.you?.cargo ?? []) {
      for (const market of this.markets.values()) {
        const price = market.prices.find((row) => row.commodity_id === id);
        if (!price || price.sell * qty <= best) continue;
        best = price.sell * qty;
        this.bestBuyer = { stationId: market.station_id, goods: this.goodsName(id) };
      }
    }
  }

  /** The pilot's own ship, if it is in space. */
  get ship() {
    return this.entities.get(this.shipId);
  }
}
