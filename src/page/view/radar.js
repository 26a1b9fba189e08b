/**
 * The radar: everything the ship can sense, north up, stations at the rim when they are farther.
 *
 * @module radar
 */

import { DIM, FRIEND, HOSTILE, OWN, kindColour, riskColour } from "./palette.js";
import { isThreat } from "./markers.js";

/** @typedef {import("../game/world.js").World} World */
/** @typedef {import("../game/flight.js").Body} Body */
/** @typedef {import("./camera.js").Camera} Camera */

export class Radar {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.ratio = 1;
  }

  /**
   * @param {World} world
   * @param {Body} own
   * @param {Camera} camera
   * @param {number} nowMs
   */
  draw(world, own, camera, nowMs) {
    const { canvas, g } = this;
    this.ratio = Math.min(2, devicePixelRatio || 1);
    const edge = Math.round(canvas.clientWidth * this.ratio);
    if (edge === 0) return;
    if (canvas.width !== edge) {
      canvas.width = edge;
      canvas.height = edge;
    }
    const half = edge / 2;
    const rim = half - 9 * this.ratio;
    const scale = rim / world.viewRadius;
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.clearRect(0, 0, edge, edge);
    g.translate(half, half);
    this.dial(rim);
    g.save();
    g.beginPath();
    g.arc(0, 0, rim, 0, 2 * Math.PI);
    g.clip();
    for (const zone of world.zones) {
      g.beginPath();
      g.arc((zone.center.x - own.x) * scale, (own.y - zone.center.y) * scale, zone.radius * scale, 0, 2 * Math.PI);
      g.fillStyle = riskColour(zone.risk_level / 100, 0.12);
      g.fill();
      g.strokeStyle = riskColour(zone.risk_level / 100, 0.5);
      g.lineWidth = this.ratio * 0.75;
      g.stroke();
    }
    this.window(own, camera, scale);
    this.blips(world, own, scale, nowMs);
    g.restore();
    this.stations(world, own, scale, rim);
    this.self(own);
  }

  /** @param {number} rim */
  dial(rim) {
    const { g, ratio } = this;
    g.beginPath();
    g.arc(0, 0, rim, 0, 2 * Math.PI);
    g.fillStyle = "rgba(6, 12, 22, 0.72)";
    g.fill();
    g.strokeStyle = "#2c4264";
    g.lineWidth = ratio;
    g.stroke();
    g.strokeStyle = "#1b2b45";
    for (const part of [1 / 3, 2 / 3]) {
      g.beginPath();
      g.arc(0, 0, rim * part, 0, 2 * Math.PI);
      g.stroke();
    }
    g.strokeStyle = "#2c4264";
    g.beginPath();
    for (let degree = 0; degree < 360; degree += 15) {
      const angle = (degree * Math.PI) / 180;
      const out = rim + (degree % 90 === 0 ? 6 : 3) * ratio;
      g.moveTo(Math.cos(angle) * rim, Math.sin(angle) * rim);
      g.lineTo(Math.cos(angle) * out, Math.sin(angle) * out);
    }
    g.stroke();
  }

  /**
   * What the flight view shows.
   * @param {Body} own
   * @param {Camera} camera
   * @param {number} scale
   */
  window(own, camera, scale) {
    const { g } = this;
    const width = (camera.width / camera.scale) * scale;
    const height = (camera.height / camera.scale) * scale;
    g.strokeStyle = "rgba(160, 185, 220, 0.22)";
    g.lineWidth = this.ratio;
    g.strokeRect((camera.x - own.x) * scale - width / 2, (own.y - camera.y) * scale - height / 2, width, height);
  }

  /**
   * One path a colour: a thousand fills cost more than the rest of the radar.
   * @param {World} world
   * @param {Body} own
   * @param {number} scale
   * @param {number} nowMs
   */
  blips(world, own, scale, nowMs) {
    const { g, ratio } = this;
    /** @type {Map<string, Path2D>} */
    const marks = new Map();
    for (const entity of world.entities.values()) {
      if (!entity.isShip || entity.id === world.shipId) continue;
      const x = (entity.x - own.x) * scale;
      const y = (own.y - entity.y) * scale;
      const threat = isThreat(entity, nowMs);
      const colour = threat ? HOSTILE : kindColour(entity.kind);
      let path = marks.get(colour);
      if (!path) {
        path = new Path2D();
        marks.set(colour, path);
      }
      if (threat || entity.kind === "pirate") {
        const size = (threat ? 4 : 2.6) * ratio;
        path.moveTo(x, y - size);
        path.lineTo(x + size, y + size * 0.8);
        path.lineTo(x - size, y + size * 0.8);
      } else {
        const size = (entity.kind === "trader" ? 1.6 : 2.2) * ratio;
        path.rect(x - size / 2, y - size / 2, size, size);
      }
    }
    for (const [colour, path] of marks) {
      g.fillStyle = colour;
      g.fill(path);
    }
  }

  /**
   * @param {World} world
   * @param {Body} own
   * @param {number} scale
   * @param {number} rim
   */
  stations(world, own, scale, rim) {
    const { g, ratio } = this;
    for (const station of world.stations.values()) {
      let x = (station.x - own.x) * scale;
      let y = (own.y - station.y) * scale;
      const range = Math.hypot(x, y);
      const beyond = range > rim;
      if (beyond) {
        x *= rim / range;
        y *= rim / range;
      }
      g.lineWidth = 1.5 * ratio;
      g.strokeStyle = FRIEND;
      g.fillStyle = beyond ? "#0a1424" : FRIEND;
      g.beginPath();
      g.arc(x, y, 3.4 * ratio, 0, 2 * Math.PI);
      g.fill();
      g.stroke();
    }
  }

  /** @param {Body} own */
  self(own) {
    const { g, ratio } = this;
    g.save();
    g.rotate(-own.r);
    g.fillStyle = OWN;
    g.beginPath();
    g.moveTo(6 * ratio, 0);
    g.lineTo(-4 * ratio, 3.6 * ratio);
    g.lineTo(-2 * ratio, 0);
    g.lineTo(-4 * ratio, -3.6 * ratio);
    g.fill();
    g.strokeStyle = DIM;
    g.restore();
  }
}
