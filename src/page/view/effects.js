/**
 * What flashes and is gone: sparks, blasts, muzzle light, the pilot's trail.
 *
 * Bounded: at most SPARKS_MAX sparks and RINGS_MAX rings live at once, the oldest give way. Everything
 * is kept in world units and drawn additively.
 *
 * @module effects
 */

import { FRIEND, HOSTILE } from "./palette.js";

/** @typedef {import("./camera.js").Camera} Camera */

const SPARKS_MAX = 320;
const RINGS_MAX = 24;
/** How much of its way a spark shows at once. */
const STREAK_SECONDS = 0.07;
const FLASHES_MAX = 8;
const FLASH_PX = 128;
const TRAIL_POINTS = 140;
const TRAIL_EVERY_MS = 33;

/** A soft ball of light, drawn once. */
function light() {
  const canvas = new OffscreenCanvas(FLASH_PX, FLASH_PX);
  const g = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const half = FLASH_PX / 2;
  const gradient = g.createRadialGradient(half, half, 0, half, half, half);
  gradient.addColorStop(0, "rgba(255, 250, 235, 1)");
  gradient.addColorStop(0.18, "rgba(255, 214, 150, 0.75)");
  gradient.addColorStop(0.5, "rgba(255, 130, 70, 0.22)");
  gradient.addColorStop(1, "rgba(255, 90, 40, 0)");
  g.fillStyle = gradient;
  g.fillRect(0, 0, FLASH_PX, FLASH_PX);
  return canvas.transferToImageBitmap();
}

export class Effects {
  constructor() {
    this.calm = false;
    /** @type {{x: number, y: number, vx: number, vy: number, age: number, life: number, colour: string, size: number}[]} */
    this.sparks = [];
    /** @type {{x: number, y: number, age: number, life: number, from: number, to: number, colour: string}[]} */
    this.rings = [];
    /** @type {{x: number, y: number, age: number, life: number, radius: number}[]} */
    this.flashes = [];
    this.light = light();
    /** @type {{x: number, y: number, burn: number}[]} */
    this.trail = [];
    this.trailAt = 0;
  }

  clearTrail() {
    this.trail.length = 0;
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} vx
   * @param {number} vy
   * @param {number} count
   * @param {number} speed
   * @param {string} colour
   * @param {number} life seconds
   */
  burst(x, y, vx, vy, count, speed, colour, life) {
    const many = this.calm ? Math.ceil(count / 3) : count;
    for (let index = 0; index < many; index += 1) {
      const angle = Math.random() * 2 * Math.PI;
      const push = speed * (0.25 + 0.75 * Math.random());
      if (this.sparks.length >= SPARKS_MAX) this.sparks.shift();
      this.sparks.push({
        x,
        y,
        vx: vx + Math.cos(angle) * push,
        vy: vy + Math.sin(angle) * push,
        age: 0,
        life: life * (0.5 + 0.5 * Math.random()),
        colour: Math.random() < 0.3 ? "#ffffff" : colour,
        size: Math.random() < 0.25 ? 2 : 1.3,
      });
    }
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} from radius in units
   * @param {number} to
   * @param {number} life seconds
   * @param {string} colour
   */
  ring(x, y, from, to, life, colour) {
    if (this.rings.length >= RINGS_MAX) this.rings.shift();
    this.rings.push({ x, y, from, to, age: 0, life, colour });
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} vx of the shot
   * @param {number} vy
   */
  hit(x, y, vx, vy) {
    this.burst(x, y, vx * 0.08, vy * 0.08, 9, 110, "#ffd9a0", 0.45);
    this.ring(x, y, 2, 16, 0.22, "#ffe9c9");
    this.flash(x, y, 22, 0.16);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} vx
   * @param {number} vy
   * @param {string} colour
   */
  blast(x, y, vx, vy, colour) {
    this.burst(x, y, vx * 0.5, vy * 0.5, 60, 210, colour, 1.2);
    this.burst(x, y, vx * 0.5, vy * 0.5, 26, 80, "#ffe2b0", 1.7);
    this.ring(x, y, 4, 110, 0.8, colour);
    this.ring(x, y, 2, 52, 0.45, "#ffffff");
    this.flash(x, y, 95, 0.5);
  }

  /**
   * A burst of light.
   * @param {number} x
   * @param {number} y
   * @param {number} radius in units
   * @param {number} life seconds
   */
  flash(x, y, radius, life) {
    if (this.flashes.length >= FLASHES_MAX) this.flashes.shift();
    this.flashes.push({ x, y, age: 0, life, radius: this.calm ? radius / 2 : radius });
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {boolean} friendly
   */
  muzzle(x, y, friendly) {
    this.ring(x, y, 1, friendly ? 7 : 11, friendly ? 0.1 : 0.16, friendly ? FRIEND : HOSTILE);
  }

  /**
   * @param {{x: number, y: number}} body
   * @param {number} burn
   * @param {number} nowMs
   */
  follow(body, burn, nowMs) {
    if (nowMs - this.trailAt < TRAIL_EVERY_MS) return;
    this.trailAt = nowMs;
    this.trail.push({ x: body.x, y: body.y, burn });
    if (this.trail.length > TRAIL_POINTS) this.trail.shift();
  }

  /** @param {number} seconds */
  advance(seconds) {
    for (const spark of this.sparks) {
      spark.age += seconds;
      spark.x += spark.vx * seconds;
      spark.y += spark.vy * seconds;
      const slow = Math.exp(-seconds * 1.6);
      spark.vx *= slow;
      spark.vy *= slow;
    }
    for (const ring of this.rings) ring.age += seconds;
    for (const flash of this.flashes) flash.age += seconds;
    this.flashes = this.flashes.filter((flash) => flash.age < flash.life);
    this.sparks = this.sparks.filter((spark) => spark.age < spark.life);
    this.rings = this.rings.filter((ring) => ring.age < ring.life);
  }

  /**
   * @param {CanvasRenderingContext2D} g
   * @param {Camera} camera
   */
  drawTrail(g, camera) {
    const { trail } = this;
    g.globalCompositeOperation = "lighter";
    g.strokeStyle = FRIEND;
    g.lineCap = "butt";
    g.lineJoin = "round";
    const pieces = 8;
    for (let piece = 0; piece < pieces; piece += 1) {
      const from = Math.floor((trail.length * piece) / pieces);
      const to = Math.min(trail.length - 1, Math.floor((trail.length * (piece + 1)) / pieces));
      if (to <= from) continue;
      const young = (piece + 1) / pieces;
      g.beginPath();
      g.moveTo(camera.toX(trail[from].x), camera.toY(trail[from].y));
      for (let index = from + 1; index <= to; index += 1) g.lineTo(camera.toX(trail[index].x), camera.toY(trail[index].y));
      g.globalAlpha = 0.13 * young ** 2;
      g.lineWidth = (2 + 5 * young) * camera.pixelRatio;
      g.stroke();
      g.globalAlpha = 0.05 + 0.6 * young ** 2;
      g.lineWidth = (0.7 + young) * camera.pixelRatio;
      g.stroke();
    }
    g.globalAlpha = 1;
    g.globalCompositeOperation = "source-over";
  }

  /**
   * @param {CanvasRenderingContext2D} g
   * @param {Camera} camera
   */
  draw(g, camera) {
    g.globalCompositeOperation = "lighter";
    for (const flash of this.flashes) {
      const left = 1 - flash.age / flash.life;
      const size = flash.radius * (0.6 + 0.4 * left) * camera.scale;
      g.globalAlpha = left * left;
      g.drawImage(this.light, camera.toX(flash.x) - size, camera.toY(flash.y) - size, size * 2, size * 2);
    }
    g.lineCap = "round";
    for (const spark of this.sparks) {
      const left = 1 - spark.age / spark.life;
      g.globalAlpha = left;
      g.strokeStyle = spark.colour;
      g.lineWidth = spark.size * camera.pixelRatio * (0.4 + 0.6 * left);
      g.beginPath();
      g.moveTo(camera.toX(spark.x), camera.toY(spark.y));
      g.lineTo(camera.toX(spark.x - spark.vx * STREAK_SECONDS), camera.toY(spark.y - spark.vy * STREAK_SECONDS));
      g.stroke();
    }
    for (const ring of this.rings) {
      const s = ring.age / ring.life;
      const radius = (ring.from + (ring.to - ring.from) * (1 - (1 - s) ** 2)) * camera.scale;
      g.globalAlpha = (1 - s) * 0.85;
      g.strokeStyle = ring.colour;
      g.lineWidth = (0.8 + 2 * (1 - s)) * camera.pixelRatio;
      g.beginPath();
      g.arc(camera.toX(ring.x), camera.toY(ring.y), radius, 0, 2 * Math.PI);
      g.stroke();
    }
    g.globalAlpha = 1;
    g.globalCompositeOperation = "source-over";
  }
}
