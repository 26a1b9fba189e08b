/**
 * The game between the line and the picture: messages in, state out, sounds of it told to the log.
 *
 * @module game
 */

import { Clock } from "../game/clock.js";
import { Prediction } from "../game/prediction.js";
import { World } from "../game/world.js";
import { HOSTILE, kindColour } from "../view/palette.js";
import { credits, kindName, stationName, title } from "./words.js";

/** @typedef {import("../types.js").ServerMessage} ServerMessage */
/** @typedef {import("../types.js").CombatEvent} CombatEvent */
/** @typedef {import("../types.js").WorldEvent} WorldEvent */
/** @typedef {import("../game/entity.js").Entity} Entity */
/** @typedef {import("../view/scene.js").Scene} Scene */
/** @typedef {import("../panel/log.js").Log} Log */

/**
 * @typedef {object} Told
 * @property {() => void} joined
 * @property {() => void} hurt
 * @property {() => void} jumping
 */

const IMPACT_UNITS = 26;
/** Farther than a ship can fly between two messages: it came back elsewhere. */
const LEAP_UNITS = 300;

export class Game {
  /**
   * @param {Scene} scene
   * @param {Log} log
   * @param {Told} told
   */
  constructor(scene, log, told) {
    this.scene = scene;
    this.log = log;
    this.told = told;
    this.world = new World({
      gone: (entity, reason) => this.gone(entity, reason),
      event: (event) => this.event(event),
    });
    this.clock = new Clock(30);
    this.prediction = new Prediction();
    this.worstError = 0;
    /** The way to another system, while the ship is in none. @type {{name: string, until: number} | null} */
    this.transit = null;
  }

  /** Whether the pilot's ship is in space (or docked), not wreckage. */
  get alive() {
    const ship = this.world.ship;
    return ship !== undefined && ship.goneTick === Infinity;
  }

  /** What moves the own ship. @returns {import("../game/prediction.js").Physics} */
  get physics() {
    const { world } = this;
    const wall = world.halfExtent > 0 ? world.halfExtent - world.flight.radius : Infinity;
    return { flight: world.flight, tankEmpty: (world.you?.fuel ?? 1) <= 0, dt: world.tickSeconds, wall };
  }

  /** @param {ServerMessage} message */
  receive(message) {
    const now = performance.now();
    const { type, payload } = message;
    switch (type) {
      case "session.joined":
        this.transit = null;
        this.world.join(payload);
        this.clock = new Clock(this.world.tickRate);
        this.prediction.reset();
        this.scene.effects.clearTrail();
        this.told.joined();
        break;
      case "world.snapshot":
        this.world.applySnapshot(payload);
        this.arrived(payload.tick, now);
        break;
      case "world.delta":
        this.earned(payload.you?.credits);
        this.world.applyDelta(payload);
        this.arrived(payload.tick, now);
        break;
      case "pong":
        this.clock.pong(payload.t0, payload.t1, Date.now());
        this.prediction.guessLead(this.clock.rttMs, this.world.tickRate);
        break;
      case "combat.event":
        this.combat(payload, now);
        break;
      case "server.notice":
        if (payload.kind === "drain") this.log.say("The server is about to restart. You will be back in a moment.", "bad");
        else if (payload.kind === "jump") this.depart(payload, message.ts, now);
        else if (payload.message) this.log.say(payload.message);
        break;
      default:
    }
  }

  /**
   * The ship is in no system until the deadline: nothing is shown but how long that takes.
   * @param {import("../types.js").Notice} notice
   * @param {number} sentAt by the server's clock, as the deadline is
   * @param {number} now
   */
  depart(notice, sentAt, now) {
    const id = notice.system_id ?? "";
    const name = this.world.systems.find((system) => system.id === id)?.name ?? title(id);
    this.transit = { name, until: now + Math.max(0, (notice.deadline_ms ?? sentAt) - sentAt) };
    this.world.you = null;
    this.prediction.reset();
    this.told.jumping();
  }

  /**
   * Credits that came in free flight are a bounty; at a station the counter speaks for itself.
   * @param {number | undefined} now
   */
  earned(now) {
    const { you } = this.world;
    if (now === undefined || !you || you.docked_at != null || now <= you.credits) return;
    this.log.say(`Bounty: ${credits(now - you.credits)}`, "gain");
  }

  /**
   * @param {number} tick
   * @param {number} now
   */
  arrived(tick, now) {
    const { world, prediction, clock } = this;
    clock.arrived(tick, now, world.dilation);
    const ship = world.ship;
    if (!ship || ship.goneTick !== Infinity) return;
    const at = ship.newest();
    if (ship.ring[at] > tick) return;
    const body = { x: ship.ring[at + 1], y: ship.ring[at + 2], vx: ship.ring[at + 3], vy: ship.ring[at + 4], r: ship.ring[at + 5] };
    const { served } = prediction;
    if (Math.hypot(served.x - body.x, served.y - body.y) > LEAP_UNITS) this.scene.effects.clearTrail();
    prediction.serve(tick, body, world.lastInputSeq, this.physics);
    // A page that is not being drawn still has to forget what left.
    if (document.hidden) world.sample(tick, tick);
  }

  /**
   * Moves everything to this frame.
   * @param {number} nowMs
   * @param {number} seconds since the last frame
   */
  advance(nowMs, seconds) {
    const { world, clock, prediction } = this;
    const arrived = clock.tickAt(nowMs);
    prediction.advance(arrived, seconds, this.physics);
    world.sample(arrived - clock.delayTicks, prediction.head);
  }

  /** @param {WorldEvent} event */
  event(event) {
    const { world } = this;
    const mine = event.source_id === world.shipId;
    if (event.kind === "projectile_fired" && event.source_id) {
      const source = mine ? this.prediction.shown : world.entities.get(event.source_id);
      if (!source) return;
      const nose = world.flight.radius * 1.5;
      this.scene.effects.muzzle(source.x + Math.cos(source.r) * nose, source.y + Math.sin(source.r) * nose, mine);
    } else if (mine && (event.kind === "docked" || event.kind === "undocked")) {
      const station = world.stations.get(event.station_id ?? "");
      const name = station ? stationName(station) : title(event.station_id ?? "the station");
      this.log.say(event.kind === "docked" ? `Docked at ${name}` : `Left ${name}`);
    }
  }

  /**
   * @param {CombatEvent} event
   * @param {number} now
   */
  combat(event, now) {
    const { world, log, scene } = this;
    const source = world.entities.get(event.source_id);
    const target = world.entities.get(event.target_id);
    const hurt = event.target_id === world.shipId;
    const other = kindName((hurt ? source : target)?.kind ?? "");
    const name = other === "" ? "Someone" : `A ${other.toLowerCase()}`;
    if (hurt) {
      if (source) source.hostileAt = now;
      const { shown } = this.prediction;
      scene.effects.hit(shown.x, shown.y, shown.vx, shown.vy);
      scene.camera.jolt(5);
      this.told.hurt();
      if (event.kind === "destroyed") {
        scene.effects.blast(shown.x, shown.y, shown.vx, shown.vy, HOSTILE);
        log.say(`${name} shot you down. The hold is lost.`, "pain");
      } else log.say(`${name} hits you: ${event.damage} damage`, "pain");
    } else if (event.kind === "destroyed") log.say(`You shot down ${name.toLowerCase()}`, "gain", event.target_id);
    else {
      if (target) scene.effects.hit(target.x, target.y, target.vx, target.vy);
      if (event.target_hp > 0) log.say(`You hit ${name.toLowerCase()}: ${event.target_hp} hull left`, "gain", event.target_id);
    }
  }

  /**
   * @param {Entity} entity
   * @param {string} reason
   */
  gone(entity, reason) {
    const { effects } = this.scene;
    if (entity.id === this.world.shipId) return;
    if (entity.isShip) {
      if (reason === "destroyed") effects.blast(entity.x, entity.y, entity.vx, entity.vy, kindColour(entity.kind));
      else if (reason === "jumped") effects.ring(entity.x, entity.y, 4, 60, 0.5, "#bfe6ff");
      return;
    }
    if (entity.kind !== "projectile" || reason === "left_view") return;
    for (const other of this.world.entities.values()) {
      if (!other.isShip || Math.abs(other.x - entity.x) > IMPACT_UNITS || Math.abs(other.y - entity.y) > IMPACT_UNITS) continue;
      effects.hit(entity.x, entity.y, entity.vx, entity.vy);
      return;
    }
  }
}
