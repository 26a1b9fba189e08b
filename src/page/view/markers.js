/**
 * Marks laid over the picture: who shoots at you, where to aim, what lies beyond the edge.
 *
 * @module markers
 */

import { FRIEND, HOSTILE, INK, MONO } from "./palette.js";
import { distance, kindName, stationName } from "../app/words.js";

/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {import("../game/world.js").World} World */
/** @typedef {import("../game/entity.js").Entity} Entity */
/** @typedef {import("../game/flight.js").Body} Body */

const THREAT_MS = 8000;
const AIM_UNITS = 620;
const POINTERS_MAX = 6;
const LABEL_PX = 13;
/** A frame narrower than this has room for arrows and distances, not for names. */
const CRAMPED_PX = 300;

/** Where names already stand in this frame. @type {{x: number, y: number}[]} */
const taken = [];

/** Begins a frame: no name stands anywhere yet. */
export function clearLabels() {
  taken.length = 0;
}

/**
 * The nearest free height for a name at a place, at or above it.
 * @param {number} x
 * @param {number} y
 * @param {number} pixelRatio
 */
function freeHeight(x, y, pixelRatio) {
  const step = LABEL_PX * pixelRatio;
  let at = y;
  for (const other of taken) {
    if (Math.abs(other.x - x) < 110 * pixelRatio && Math.abs(other.y - at) < step) at = other.y - step;
  }
  taken.push({ x, y: at });
  return at;
}

/**
 * Whether an entity has struck the pilot of late.
 * @param {Entity} entity
 * @param {number} nowMs
 */
export function isThreat(entity, nowMs) {
  return nowMs - entity.hostileAt < THREAT_MS;
}

/**
 * Corner brackets about a ship that shoots at the pilot.
 * @param {CanvasRenderingContext2D} g
 * @param {Camera} camera
 * @param {Entity} entity
 * @param {number} size
 * @param {Body} own
 * @param {number} pulse from 0 to 1
 */
export function drawThreat(g, camera, entity, size, own, pulse) {
  const { pixelRatio } = camera;
  const x = camera.toX(entity.x);
  const y = camera.toY(entity.y);
  const half = size * 1.7 + (4 + 3 * pulse) * pixelRatio;
  const arm = half * 0.42;
  g.strokeStyle = HOSTILE;
  g.lineWidth = 2 * pixelRatio;
  g.beginPath();
  for (const [sx, sy] of [[-1, -1], [1, -1], [1, 1], [-1, 1]]) {
    g.moveTo(x + sx * half, y + sy * (half - arm));
    g.lineTo(x + sx * half, y + sy * half);
    g.lineTo(x + sx * (half - arm), y + sy * half);
  }
  g.stroke();
  label(g, pixelRatio, x, freeHeight(x, y - half - 6 * pixelRatio, pixelRatio), `${kindName(entity.kind).toUpperCase()} ${distance(Math.hypot(entity.x - own.x, entity.y - own.y))}`, HOSTILE, "center", "bottom");
}

/**
 * A thin bar under a damaged ship.
 * @param {CanvasRenderingContext2D} g
 * @param {Camera} camera
 * @param {Entity} entity
 * @param {number} size
 */
export function drawHealth(g, camera, entity, size) {
  const part = Math.max(0, Math.min(1, entity.hp / Math.max(entity.hpMax, 100)));
  const width = Math.max(14 * camera.pixelRatio, size * 2);
  const x = Math.round(camera.toX(entity.x) - width / 2);
  const y = Math.round(camera.toY(entity.y) + size * 1.5 + 3 * camera.pixelRatio);
  const height = Math.max(2, Math.round(1.6 * camera.pixelRatio));
  g.fillStyle = "#22324c";
  g.fillRect(x, y, width, height);
  g.fillStyle = part < 0.35 ? HOSTILE : INK;
  g.fillRect(x, y, width * part, height);
}

/**
 * Where to aim so that a shot meets the nearest hostile ship ahead.
 * @param {CanvasRenderingContext2D} g
 * @param {Camera} camera
 * @param {World} world
 * @param {Body} own
 * @param {number} nowMs
 */
export function drawLead(g, camera, world, own, nowMs) {
  /** @type {Entity | null} */
  let nearest = null;
  let best = AIM_UNITS;
  for (const entity of world.entities.values()) {
    if (!entity.isShip || !entity.visible || entity.id === world.shipId) continue;
    if (entity.kind !== "pirate" && !isThreat(entity, nowMs)) continue;
    const range = Math.hypot(entity.x - own.x, entity.y - own.y);
    // Whoever shoots at the pilot comes before whoever is merely near.
    const weight = isThreat(entity, nowMs) ? range * 0.4 : range;
    if (range < AIM_UNITS && weight < best) {
      best = weight;
      nearest = entity;
    }
  }
  if (!nearest) return;
  const flightSeconds = Math.hypot(nearest.x - own.x, nearest.y - own.y) / world.muzzleSpeed;
  const x = camera.toX(nearest.x + (nearest.vx - own.vx) * flightSeconds);
  const y = camera.toY(nearest.y + (nearest.vy - own.vy) * flightSeconds);
  const size = 6 * camera.pixelRatio;
  g.strokeStyle = HOSTILE;
  g.globalAlpha = 0.85;
  g.lineWidth = 1.25 * camera.pixelRatio;
  g.beginPath();
  g.moveTo(x, y - size);
  g.lineTo(x + size, y);
  g.lineTo(x, y + size);
  g.lineTo(x - size, y);
  g.closePath();
  g.stroke();
  g.globalAlpha = 0.3;
  g.setLineDash([2 * camera.pixelRatio, 4 * camera.pixelRatio]);
  g.beginPath();
  g.moveTo(camera.toX(nearest.x), camera.toY(nearest.y));
  g.lineTo(x, y);
  g.stroke();
  g.setLineDash([]);
  g.globalAlpha = 1;
}

/**
 * @typedef {object} Frame
 * @property {number} top device pixels kept free at each edge
 * @property {number} right
 * @property {number} bottom
 * @property {number} left
 */

/**
 * Arrows towards stations and threats that are out of the picture, on an ellipse inside the frame:
 * its corners stay free for the instruments, and an arrow slides along it without a jump.
 * @param {CanvasRenderingContext2D} g
 * @param {Camera} camera
 * @param {World} world
 * @param {Body} own
 * @param {number} nowMs
 * @param {Frame} inset
 */
export function drawPointers(g, camera, world, own, nowMs, inset) {
  const cramped = camera.width - inset.left - inset.right < CRAMPED_PX * camera.pixelRatio;
  for (const station of world.stations.values()) {
    const best = station.station_id === world.bestBuyer?.stationId;
    const words = best ? ` · sell ${world.bestBuyer?.goods}` : "";
    pointer(g, camera, station, own, cramped ? "" : stationName(station), words, best ? INK : FRIEND, inset, best);
  }
  let left = POINTERS_MAX;
  for (const entity of world.entities.values()) {
    if (left === 0) return;
    if (!entity.isShip || entity.id === world.shipId || !isThreat(entity, nowMs)) continue;
    left -= 1;
    pointer(g, camera, entity, own, kindName(entity.kind), "", HOSTILE, inset, true);
  }
}

/**
 * @param {CanvasRenderingContext2D} g
 * @param {Camera} camera
 * @param {{x: number, y: number} | import("../types.js").ChartStation} place
 * @param {Body} own
 * @param {string} name
 * @param {string} words said after the distance
 * @param {string} colour
 * @param {Frame} inset
 * @param {boolean} loud
 */
function pointer(g, camera, place, own, name, words, colour, inset, loud) {
  const px = camera.toX(place.x);
  const py = camera.toY(place.y);
  const body = "radius" in place ? place.radius * camera.scale * 0.8 : 0;
  if (px > -body && py > -body && px < camera.width + body && py < camera.height + body) return;
  const { pixelRatio } = camera;
  const cx = (inset.left + camera.width - inset.right) / 2;
  const cy = (inset.top + camera.height - inset.bottom) / 2;
  const dx = px - cx;
  const dy = py - cy;
  const halfX = (camera.width - inset.right - inset.left) / 2;
  const halfY = (camera.height - inset.bottom - inset.top) / 2;
  const fit = 1 / Math.max(1e-6, Math.hypot(dx / halfX, dy / halfY));
  const x = cx + dx * fit;
  const y = cy + dy * fit;
  const angle = Math.atan2(dy, dx);
  g.save();
  g.translate(x, y);
  g.rotate(angle);
  g.fillStyle = colour;
  g.globalAlpha = loud ? 1 : 0.75;
  const size = (loud ? 9 : 7) * pixelRatio;
  g.beginPath();
  g.moveTo(size, 0);
  g.lineTo(-size * 0.5, size * 0.62);
  g.lineTo(-size * 0.2, 0);
  g.lineTo(-size * 0.5, -size * 0.62);
  g.closePath();
  g.fill();
  g.restore();
  const side = Math.cos(angle);
  const flat = Math.abs(side) > 0.5;
  const back = 16 * pixelRatio;
  const tx = x - Math.cos(angle) * back;
  const ty = freeHeight(tx, y - Math.sin(angle) * back, pixelRatio);
  const range = distance(Math.hypot(place.x - own.x, place.y - own.y));
  label(g, pixelRatio, tx, ty, `${name.toUpperCase()} ${range}${words}`.trim(), colour, flat ? (side > 0 ? "right" : "left") : "center", flat ? "middle" : Math.sin(angle) > 0 ? "bottom" : "top");
}

/**
 * @param {CanvasRenderingContext2D} g
 * @param {number} pixelRatio
 * @param {number} x
 * @param {number} y
 * @param {string} text
 * @param {string} colour
 * @param {CanvasTextAlign} align
 * @param {CanvasTextBaseline} baseline
 */
function label(g, pixelRatio, x, y, text, colour, align, baseline) {
  g.font = `${10.5 * pixelRatio}px ${MONO}`;
  g.textAlign = align;
  g.textBaseline = baseline;
  const width = g.measureText(text).width;
  const half = width / 2 + 4 * pixelRatio;
  const centre = align === "center" ? Math.max(half, Math.min(g.canvas.width - half, x)) : x;
  g.fillStyle = colour;
  g.fillText(text, centre, y);
}
