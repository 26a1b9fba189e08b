/**
 * Everything that stands still in the world: sky, the orrery's dial, zones, the edge of space.
 *
 * Soft discs are the most expensive thing in the picture (a full-screen gradient costs more than a
 * thousand ships), so the backdrop is drawn once into opaque tiles and then only copied. A frame draws
 * at most a few new tiles; one that is not ready yet is plain sky.
 *
 * @module backdrop
 */

import { HAIR, MONO, SKY, riskColour } from "./palette.js";
import { title } from "../app/words.js";
import { ZOOM_LEVELS } from "./camera.js";

/** @typedef {import("../types.js").Zone} Zone */
/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {import("../game/world.js").World} World */

const TILE = 256;
const TILES_KEPT = 160;
const BUDGET_MS = 3;
/** A picture that is mostly bare (the first, or after a zoom) is worth one long frame. */
const BARE_BUDGET_MS = 40;
const BARE_TILES = 6;
const MARK_UNITS = 250;

export class Backdrop {
  constructor() {
    /** @type {Map<string, HTMLCanvasElement>} */
    this.tiles = new Map();
    this.version = -1;
    /** Tiles that the last frame went without. */
    this.missing = Infinity;
  }

  /**
   * Copies the visible tiles; draws missing ones while the frame's budget lasts.
   * @param {CanvasRenderingContext2D} g
   * @param {Camera} camera
   * @param {World} world
   */
  draw(g, camera, world) {
    if (world.fixturesVersion !== this.version) {
      this.version = world.fixturesVersion;
      this.tiles.clear();
      this.missing = Infinity;
    }
    const budget = this.missing > BARE_TILES ? BARE_BUDGET_MS : BUDGET_MS;
    const tileScale = ZOOM_LEVELS[camera.level] * camera.pixelRatio;
    const ratio = camera.scale / tileScale;
    const edge = TILE * ratio;
    const left = camera.x * camera.scale - camera.width / 2 - camera.shakeX;
    const top = -camera.y * camera.scale - camera.height / 2 - camera.shakeY;
    const started = performance.now();
    const still = ratio === 1;
    g.imageSmoothingEnabled = false;
    const lastX = Math.floor((left + camera.width) / edge);
    const lastY = Math.floor((top + camera.height) / edge);
    let missing = 0;
    for (let ty = Math.floor(top / edge); ty <= lastY; ty += 1) {
      for (let tx = Math.floor(left / edge); tx <= lastX; tx += 1) {
        const key = `${camera.level}:${tx}:${ty}`;
        let tile = this.tiles.get(key);
        if (!tile && (performance.now() - started < budget || this.tiles.size === 0)) {
          tile = this.render(key, tx, ty, tileScale, camera.pixelRatio, world);
        }
        if (!tile) missing += 1;
        const x = Math.round(tx * edge - left);
        const y = Math.round(ty * edge - top);
        if (!tile) {
          g.fillStyle = SKY;
          g.fillRect(x, y, Math.ceil(edge) + 1, Math.ceil(edge) + 1);
        } else if (still) g.drawImage(tile, x, y);
        else g.drawImage(tile, x, y, Math.ceil(edge) + 1, Math.ceil(edge) + 1);
      }
    }
    this.missing = missing;
    if (missing === 0 && still) this.prepare(camera, left, top, tileScale, world, started);
    g.imageSmoothingEnabled = true;
  }

  /**
   * One tile beyond the edge towards which the ship flies, before it is seen.
   * @param {Camera} camera
   * @param {number} left
   * @param {number} top
   * @param {number} tileScale
   * @param {World} world
   * @param {number} started
   */
  prepare(camera, left, top, tileScale, world, started) {
    if (performance.now() - started > 1) return;
    const x0 = Math.floor(left / TILE) - 1;
    const y0 = Math.floor(top / TILE) - 1;
    const x1 = Math.floor((left + camera.width) / TILE) + 1;
    const y1 = Math.floor((top + camera.height) / TILE) + 1;
    for (let ty = y0; ty <= y1; ty += 1) {
      for (let tx = x0; tx <= x1; tx += 1) {
        const key = `${camera.level}:${tx}:${ty}`;
        if (this.tiles.has(key)) continue;
        this.render(key, tx, ty, tileScale, camera.pixelRatio, world);
        return;
      }
    }
  }

  /**
   * @param {string} key
   * @param {number} tx
   * @param {number} ty
   * @param {number} scale device pixels a unit
   * @param {number} pixelRatio
   * @param {World} world
   */
  render(key, tx, ty, scale, pixelRatio, world) {
    if (this.tiles.size >= TILES_KEPT) {
      const oldest = this.tiles.keys().next().value;
      if (oldest !== undefined) this.tiles.delete(oldest);
    }
    const canvas = document.createElement("canvas");
    canvas.width = TILE;
    canvas.height = TILE;
    const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    g.fillStyle = SKY;
    g.fillRect(0, 0, TILE, TILE);
    const view = { g, x: tx * TILE, y: ty * TILE, scale, ratio: pixelRatio };
    glow(view, world);
    for (const zone of world.zones) drawZone(view, zone);
    drawDial(view, world);
    drawMarks(view);
    drawBounds(view, world.halfExtent);
    this.tiles.set(key, canvas);
    return canvas;
  }
}

/** @typedef {{g: CanvasRenderingContext2D, x: number, y: number, scale: number, ratio: number}} View */

/**
 * Whether a disc and the tile can meet.
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
function meets(x, y, radius) {
  return x + radius > 0 && y + radius > 0 && x - radius < TILE && y - radius < TILE;
}

/**
 * The light of the system's star, and two far clouds: barely there.
 * @param {View} view
 * @param {World} world
 */
function glow(view, world) {
  const { g, scale } = view;
  const seed = [...world.systemId].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 9973, 7);
  const far = (world.halfExtent || 3000) * 0.6;
  const turn = (seed / 9973) * 6.28;
  const clouds = [
    { x: 0, y: 0, radius: 2200, colour: "rgba(70, 120, 200, 0.13)" },
    { x: Math.cos(turn) * far, y: Math.sin(turn) * far, radius: 2000, colour: "rgba(90, 70, 170, 0.11)" },
    { x: Math.cos(turn + 2.4) * far, y: Math.sin(turn + 2.4) * far, radius: 1700, colour: "rgba(30, 120, 130, 0.09)" },
  ];
  for (const cloud of clouds) {
    const cx = cloud.x * scale - view.x;
    const cy = -cloud.y * scale - view.y;
    const radius = cloud.radius * scale;
    if (!meets(cx, cy, radius)) continue;
    const gradient = g.createRadialGradient(cx, cy, 0, cx, cy, radius);
    gradient.addColorStop(0, cloud.colour);
    gradient.addColorStop(1, "rgba(0, 0, 0, 0)");
    g.fillStyle = gradient;
    g.fillRect(0, 0, TILE, TILE);
  }
}

/**
 * @param {View} view
 * @param {Zone} zone
 */
function drawZone(view, zone) {
  const { g, scale, ratio } = view;
  const cx = zone.center.x * scale - view.x;
  const cy = -zone.center.y * scale - view.y;
  const radius = zone.radius * scale;
  if (!meets(cx, cy, radius + 24 * ratio)) return;
  const risk = zone.risk_level / 100;
  const gradient = g.createRadialGradient(cx, cy, 0, cx, cy, radius);
  // Light gathers at the rim: inside a zone the sky stays dark, and its edge can be seen from afar.
  gradient.addColorStop(0, riskColour(risk, 0.012));
  gradient.addColorStop(0.6, riskColour(risk, 0.024));
  gradient.addColorStop(0.9, riskColour(risk, 0.085));
  gradient.addColorStop(1, riskColour(risk, 0.17));
  g.fillStyle = gradient;
  g.beginPath();
  g.arc(cx, cy, radius, 0, 2 * Math.PI);
  g.fill();
  g.strokeStyle = riskColour(risk, 0.42);
  g.lineWidth = ratio;
  g.setLineDash([2 * ratio, 7 * ratio]);
  g.beginPath();
  g.arc(cx, cy, radius, 0, 2 * Math.PI);
  g.stroke();
  g.setLineDash([]);
  rimText(view, cx, cy, radius, title(zone.zone_id).toUpperCase(), riskColour(risk, 0.75));
}

/**
 * A name along the inside of a rim, at its top and its bottom.
 * @param {View} view
 * @param {number} cx
 * @param {number} cy
 * @param {number} radius
 * @param {string} text
 * @param {string} colour
 */
function rimText(view, cx, cy, radius, text, colour) {
  const { g, ratio } = view;
  const size = 11 * ratio;
  g.font = `${size}px ${MONO}`;
  g.fillStyle = colour;
  g.textAlign = "center";
  g.textBaseline = "alphabetic";
  const at = radius - 16 * ratio;
  const advance = (size * 0.82) / at;
  for (const side of [-1, 1]) {
    for (let index = 0; index < text.length; index += 1) {
      const along = (index - (text.length - 1) / 2) * advance;
      g.save();
      g.translate(cx, cy);
      g.rotate(side < 0 ? along : -along);
      g.fillText(text[index], 0, side < 0 ? -at : at + size * 0.7);
      g.restore();
    }
  }
}

/**
 * The instrument itself: an orbit through every station about the system's centre, with degrees.
 * @param {View} view
 * @param {World} world
 */
function drawDial(view, world) {
  const { g, scale, ratio } = view;
  const cx = -view.x;
  const cy = -view.y;
  g.strokeStyle = HAIR;
  g.lineWidth = ratio;
  for (const station of world.stations.values()) {
    const radius = Math.hypot(station.x, station.y) * scale;
    if (!ringMeets(cx, cy, radius, 12 * ratio)) continue;
    g.beginPath();
    g.arc(cx, cy, radius, 0, 2 * Math.PI);
    g.stroke();
    g.beginPath();
    for (let degree = 0; degree < 360; degree += 2) {
      const angle = (degree * Math.PI) / 180;
      const tick = (degree % 30 === 0 ? 9 : degree % 10 === 0 ? 6 : 3) * ratio;
      g.moveTo(cx + Math.cos(angle) * radius, cy + Math.sin(angle) * radius);
      g.lineTo(cx + Math.cos(angle) * (radius + tick), cy + Math.sin(angle) * (radius + tick));
    }
    g.stroke();
  }
  if (!meets(cx, cy, 90 * scale)) return;
  const gradient = g.createRadialGradient(cx, cy, 0, cx, cy, 90 * scale);
  gradient.addColorStop(0, "rgba(255, 244, 214, 0.9)");
  gradient.addColorStop(0.12, "rgba(255, 226, 170, 0.5)");
  gradient.addColorStop(0.35, "rgba(255, 210, 150, 0.10)");
  gradient.addColorStop(1, "rgba(255, 210, 150, 0)");
  g.fillStyle = gradient;
  g.fillRect(0, 0, TILE, TILE);
}

/**
 * Whether a circle's line can cross the tile.
 * @param {number} cx
 * @param {number} cy
 * @param {number} radius
 * @param {number} margin
 */
function ringMeets(cx, cy, radius, margin) {
  const nearX = Math.max(0, Math.min(TILE, cx)) - cx;
  const nearY = Math.max(0, Math.min(TILE, cy)) - cy;
  const farX = Math.max(Math.abs(cx), Math.abs(TILE - cx));
  const farY = Math.max(Math.abs(cy), Math.abs(TILE - cy));
  return Math.hypot(nearX, nearY) - margin < radius && radius < Math.hypot(farX, farY) + margin;
}

/**
 * Small crosses on a fixed grid: without them speed could not be felt in empty space.
 * @param {View} view
 */
function drawMarks(view) {
  const { g, scale, ratio } = view;
  const step = MARK_UNITS * scale * (scale < 0.45 * ratio ? 2 : 1);
  const arm = 3 * ratio;
  g.strokeStyle = "#22344f";
  g.lineWidth = ratio;
  g.beginPath();
  for (let x = Math.floor((view.x - arm) / step) * step; x < view.x + TILE + arm; x += step) {
    for (let y = Math.floor((view.y - arm) / step) * step; y < view.y + TILE + arm; y += step) {
      const px = Math.round(x - view.x) + 0.5;
      const py = Math.round(y - view.y) + 0.5;
      g.moveTo(px - arm, py);
      g.lineTo(px + arm, py);
      g.moveTo(px, py - arm);
      g.lineTo(px, py + arm);
    }
  }
  g.stroke();
}

/**
 * The edge of space: a line, and hatching beyond it.
 * @param {View} view
 * @param {number} halfExtent
 */
function drawBounds(view, halfExtent) {
  if (!(halfExtent > 0)) return;
  const { g, scale, ratio } = view;
  const half = halfExtent * scale;
  const left = -half - view.x;
  const top = -half - view.y;
  if (left < 0 && top < 0 && left + 2 * half > TILE && top + 2 * half > TILE) return;
  g.save();
  g.beginPath();
  g.rect(0, 0, TILE, TILE);
  g.rect(left, top, 2 * half, 2 * half);
  g.clip("evenodd");
  g.fillStyle = "#03060b";
  g.fillRect(0, 0, TILE, TILE);
  g.strokeStyle = "#142238";
  g.lineWidth = ratio;
  g.beginPath();
  for (let at = -TILE; at < TILE; at += 16) {
    g.moveTo(at, TILE);
    g.lineTo(at + TILE, 0);
  }
  g.stroke();
  g.restore();
  g.strokeStyle = "#3a5680";
  g.lineWidth = 1.5 * ratio;
  g.strokeRect(left, top, 2 * half, 2 * half);
}
