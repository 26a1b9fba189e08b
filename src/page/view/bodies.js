/**
 * The worlds that stations circle: a dark globe with a lit limb, drawn as an instrument would.
 *
 * A world has no part in the game. It lies below the plane of flight, so it slides more slowly than
 * what flies; where it stands and how it looks follows from its station's name and place. Each is
 * drawn once a zoom level and then only copied.
 *
 * @module bodies
 */

import { ZOOM_LEVELS } from "./camera.js";
import { SKY } from "./palette.js";

/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {import("../types.js").ChartStation} ChartStation */
/** @typedef {{x: number, y: number, radius: number, tilt: number, light: number, rim: string, dusk: string}} Body */

/** How fast a world slides against what flies above it. */
const DEPTH = 0.82;
/** Beyond this a finer picture is not worth its memory, device pixels. */
const RADIUS_PX_MAX = 700;
const GLOW = 1.16;
/** None of them an accent: a world is neither friend nor foe. */
const RIMS = ["150, 214, 214", "124, 182, 255", "178, 170, 250", "226, 206, 178", "206, 214, 232"];

/** @param {string} text */
function hash(text) {
  let state = 2166136261;
  for (const char of text) state = Math.imul(state ^ char.charCodeAt(0), 16777619);
  return (state >>> 8) / 16777216;
}

/**
 * The world of a station: away from the sun, so that the station hangs before its lit limb.
 * @param {ChartStation} station
 * @returns {Body}
 */
function bodyOf(station) {
  const one = hash(station.station_id);
  const two = hash(`${station.station_id}/`);
  const radius = station.radius * (3.6 + 2 * two);
  const outward = Math.atan2(station.y, station.x) + (one - 0.5) * 1.2;
  const away = radius + station.radius * 0.5;
  const rim = RIMS[Math.floor(one * RIMS.length)];
  const x = station.x + Math.cos(outward) * away;
  const y = station.y + Math.sin(outward) * away;
  return { x, y, radius, tilt: (two - 0.5) * 1.3, light: Math.atan2(-y, -x), rim, dusk: "#0a1322" };
}

export class Bodies {
  constructor() {
    /** @type {Map<string, Body>} */
    this.known = new Map();
    /** @type {Map<string, ImageBitmap>} */
    this.pictures = new Map();
  }

  /**
   * @param {CanvasRenderingContext2D} g
   * @param {Camera} camera
   * @param {Iterable<ChartStation>} stations
   */
  draw(g, camera, stations) {
    const perUnit = ZOOM_LEVELS[camera.level] * camera.pixelRatio;
    g.imageSmoothingEnabled = false;
    for (const station of stations) {
      let body = this.known.get(station.station_id);
      if (!body) {
        body = bodyOf(station);
        this.known.set(station.station_id, body);
      }
      const x = camera.width / 2 + (body.x - station.x + (station.x - camera.x) * DEPTH) * camera.scale + camera.shakeX;
      const y = camera.height / 2 - (body.y - station.y + (station.y - camera.y) * DEPTH) * camera.scale + camera.shakeY;
      const reach = body.radius * camera.scale * GLOW;
      if (x + reach < 0 || y + reach < 0 || x - reach > camera.width || y - reach > camera.height) continue;
      const picture = this.picture(station.station_id, body, perUnit);
      const size = Math.round(reach * 2);
      if (picture.width === size) g.drawImage(picture, Math.round(x - reach), Math.round(y - reach));
      else g.drawImage(picture, Math.round(x - reach), Math.round(y - reach), size, size);
    }
    g.imageSmoothingEnabled = true;
  }

  /**
   * @param {string} id
   * @param {Body} body
   * @param {number} perUnit device pixels
   */
  picture(id, body, perUnit) {
    const radius = Math.min(RADIUS_PX_MAX, body.radius * perUnit);
    const key = `${id}:${radius.toFixed(1)}`;
    const drawn = this.pictures.get(key);
    if (drawn) return drawn;
    // Two pictures are ever in use: the nearest world's, at the level before and after a zoom.
    for (const [other, picture] of this.pictures) {
      if (this.pictures.size < 4) break;
      picture.close();
      this.pictures.delete(other);
    }
    const made = paint(body, radius);
    this.pictures.set(key, made);
    return made;
  }
}

/**
 * @param {Body} body
 * @param {number} radius device pixels
 */
function paint(body, radius) {
  const edge = Math.max(2, Math.round(radius * GLOW * 2));
  const canvas = new OffscreenCanvas(edge, edge);
  const g = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const { rim } = body;
  g.translate(edge / 2, edge / 2);
  // The picture's x axis points at the sun; the canvas turns over y.
  g.rotate(-body.light);
  air(g, radius, rim);
  g.save();
  g.beginPath();
  g.arc(0, 0, radius, 0, 2 * Math.PI);
  g.fillStyle = SKY;
  g.fill();
  g.clip();
  const day = g.createRadialGradient(radius * 0.95, 0, radius * 0.1, radius * 0.55, 0, radius * 1.5);
  day.addColorStop(0, `rgba(${rim}, 0.3)`);
  day.addColorStop(0.35, `rgba(${rim}, 0.1)`);
  day.addColorStop(0.75, `rgba(${rim}, 0.02)`);
  day.addColorStop(1, `rgba(${rim}, 0)`);
  g.fillStyle = body.dusk;
  g.fillRect(-radius, -radius, radius * 2, radius * 2);
  g.fillStyle = day;
  g.fillRect(-radius, -radius, radius * 2, radius * 2);
  graticule(g, radius, rim, body.light + body.tilt);
  night(g, radius);
  g.restore();
  limb(g, radius, rim);
  return canvas.transferToImageBitmap();
}

/**
 * Lit air beyond the limb.
 * @param {OffscreenCanvasRenderingContext2D} g
 * @param {number} radius
 * @param {string} rim
 */
function air(g, radius, rim) {
  const glow = g.createRadialGradient(radius * 0.07, 0, radius * 0.92, radius * 0.03, 0, radius * (GLOW - 0.03));
  glow.addColorStop(0, `rgba(${rim}, 0.34)`);
  glow.addColorStop(0.35, `rgba(${rim}, 0.12)`);
  glow.addColorStop(1, `rgba(${rim}, 0)`);
  g.fillStyle = glow;
  g.fillRect(-radius * 0.2, -radius * GLOW, radius * (GLOW + 0.2), radius * GLOW * 2);
  g.globalCompositeOperation = "destination-in";
  const sunward = g.createLinearGradient(-radius * 0.2, 0, radius * 0.7, 0);
  sunward.addColorStop(0, "rgba(0, 0, 0, 0)");
  sunward.addColorStop(1, "rgba(0, 0, 0, 1)");
  g.fillStyle = sunward;
  g.fillRect(-radius * GLOW, -radius * GLOW, radius * GLOW * 2, radius * GLOW * 2);
  g.globalCompositeOperation = "source-over";
}

/**
 * Circles of latitude and longitude, hairlines.
 * @param {OffscreenCanvasRenderingContext2D} g
 * @param {number} radius
 * @param {string} rim
 * @param {number} turn
 */
function graticule(g, radius, rim, turn) {
  g.save();
  g.rotate(turn);
  g.strokeStyle = `rgba(${rim}, 0.17)`;
  g.lineWidth = 1;
  g.beginPath();
  for (const part of [-0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75]) {
    const half = Math.sqrt(1 - part * part) * radius;
    g.moveTo(half, part * radius);
    g.ellipse(0, part * radius, half, half * 0.22, 0, 0, Math.PI);
  }
  for (const part of [0.25, 0.6, 0.87]) {
    g.moveTo(radius * part, 0);
    g.ellipse(0, 0, radius * part, radius, 0, 0, 2 * Math.PI);
  }
  g.moveTo(0, -radius);
  g.lineTo(0, radius);
  g.stroke();
  g.restore();
}

/**
 * The side that looks away from the sun sinks into the sky.
 * @param {OffscreenCanvasRenderingContext2D} g
 * @param {number} radius
 */
function night(g, radius) {
  const shade = g.createLinearGradient(radius * 0.75, 0, -radius * 0.8, 0);
  shade.addColorStop(0, "rgba(5, 9, 17, 0)");
  shade.addColorStop(0.55, "rgba(5, 9, 17, 0.72)");
  shade.addColorStop(1, "rgba(5, 9, 17, 1)");
  g.fillStyle = shade;
  g.fillRect(-radius, -radius, radius * 2, radius * 2);
}

/**
 * The bright line of the day side, thinning towards the terminator.
 * @param {OffscreenCanvasRenderingContext2D} g
 * @param {number} radius
 * @param {string} rim
 */
function limb(g, radius, rim) {
  for (const { span, width, alpha } of [
    { span: 1.5, width: 1, alpha: 0.22 },
    { span: 1.15, width: 1.2, alpha: 0.3 },
    { span: 0.75, width: 1.5, alpha: 0.35 },
  ]) {
    g.strokeStyle = `rgba(${rim}, ${alpha})`;
    g.lineWidth = width;
    g.beginPath();
    g.arc(0, 0, radius, -span, span);
    g.stroke();
  }
}
