/**
 * Stations: hairline machinery about a lit core, and the ring within which a ship may dock.
 *
 * @module stations
 */

import { DIM, FRIEND, INK, MONO } from "./palette.js";
import { stationName } from "../app/words.js";

/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {import("../types.js").ChartStation} ChartStation */

/**
 * @param {CanvasRenderingContext2D} g
 * @param {Camera} camera
 * @param {ChartStation} station
 * @param {number} seconds for the turning parts; 0 when motion is unwelcome
 * @param {boolean} inReach whether the pilot is inside the docking ring
 */
export function drawStation(g, camera, station, seconds, inReach) {
  const x = camera.toX(station.x);
  const y = camera.toY(station.y);
  const reach = station.docking_radius * camera.scale;
  const { pixelRatio } = camera;
  if (x + reach < 0 || y + reach < 0 || x - reach > camera.width || y - reach > camera.height) return;
  const radius = station.radius * camera.scale;
  drawReach(g, x, y, reach, pixelRatio, seconds, inReach);
  g.save();
  g.translate(x, y);
  hull(g, radius, pixelRatio);
  docks(g, radius, pixelRatio, seconds * 0.06);
  arcs(g, radius * 0.86, 3, 0.62, seconds * 0.1, pixelRatio * 2.2, "#4d6a94");
  arcs(g, radius * 0.66, 24, 0.34, -seconds * 0.04, pixelRatio * 3, "#2f4870");
  arcs(g, radius * 0.5, 2, 0.8, -seconds * 0.16, pixelRatio * 1.2, "#6f8fbd");
  spokes(g, radius, seconds * 0.05);
  core(g, radius * 0.26, pixelRatio, seconds);
  lamps(g, radius, pixelRatio, seconds);
  g.restore();
  g.font = `600 ${11 * pixelRatio}px ${MONO}`;
  g.textAlign = "center";
  g.textBaseline = "top";
  g.fillStyle = INK;
  g.globalAlpha = 0.9;
  g.fillText(stationName(station).toUpperCase(), x, y + radius * 1.34 + 9 * pixelRatio);
  g.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} g
 * @param {number} x
 * @param {number} y
 * @param {number} reach
 * @param {number} pixelRatio
 * @param {number} seconds
 * @param {boolean} inReach
 */
function drawReach(g, x, y, reach, pixelRatio, seconds, inReach) {
  g.strokeStyle = inReach ? FRIEND : DIM;
  g.globalAlpha = inReach ? 0.75 : 0.35;
  g.lineWidth = (inReach ? 1.5 : 1) * pixelRatio;
  g.setLineDash([10 * pixelRatio, 8 * pixelRatio]);
  g.lineDashOffset = -seconds * (inReach ? 14 : 4) * pixelRatio;
  g.beginPath();
  g.arc(x, y, reach, 0, 2 * Math.PI);
  g.stroke();
  g.setLineDash([]);
  g.lineDashOffset = 0;
  g.beginPath();
  for (let quarter = 0; quarter < 4; quarter += 1) {
    const angle = (quarter * Math.PI) / 2 + Math.PI / 4;
    const c = Math.cos(angle);
    const s = Math.sin(angle);
    g.moveTo(x + c * (reach - 7 * pixelRatio), y + s * (reach - 7 * pixelRatio));
    g.lineTo(x + c * (reach + 7 * pixelRatio), y + s * (reach + 7 * pixelRatio));
  }
  g.stroke();
  g.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} g
 * @param {number} radius
 * @param {number} pixelRatio
 */
function hull(g, radius, pixelRatio) {
  g.fillStyle = "#0a1322";
  g.strokeStyle = FRIEND;
  g.beginPath();
  g.arc(0, 0, radius, 0, 2 * Math.PI);
  g.fill();
  g.globalAlpha = 0.14;
  g.lineWidth = 6 * pixelRatio;
  g.stroke();
  g.globalAlpha = 0.95;
  g.lineWidth = 1.4 * pixelRatio;
  g.strokeStyle = INK;
  g.stroke();
}

/**
 * Four arms that reach out for ships.
 * @param {CanvasRenderingContext2D} g
 * @param {number} radius
 * @param {number} pixelRatio
 * @param {number} turn
 */
function docks(g, radius, pixelRatio, turn) {
  g.strokeStyle = "#8fa9cf";
  g.lineWidth = 1.2 * pixelRatio;
  g.globalAlpha = 0.9;
  g.beginPath();
  for (let index = 0; index < 4; index += 1) {
    const angle = turn + (index * Math.PI) / 2;
    const c = Math.cos(angle);
    const s = Math.sin(angle);
    const half = 0.09;
    for (const side of [-half, half]) {
      g.moveTo(c * radius - s * radius * side, s * radius + c * radius * side);
      g.lineTo(c * radius * 1.24 - s * radius * side, s * radius * 1.24 + c * radius * side);
    }
    g.moveTo(c * radius * 1.24 - s * radius * 0.2, s * radius * 1.24 + c * radius * 0.2);
    g.lineTo(c * radius * 1.24 + s * radius * 0.2, s * radius * 1.24 - c * radius * 0.2);
  }
  g.stroke();
}

/**
 * Running lights on the arms, one after another.
 * @param {CanvasRenderingContext2D} g
 * @param {number} radius
 * @param {number} pixelRatio
 * @param {number} seconds
 */
function lamps(g, radius, pixelRatio, seconds) {
  const lit = Math.floor(seconds * 1.5) % 4;
  for (let index = 0; index < 4; index += 1) {
    const angle = seconds * 0.06 + (index * Math.PI) / 2;
    const size = (index === lit ? 2.4 : 1.5) * pixelRatio;
    g.fillStyle = index === lit ? "#ffffff" : FRIEND;
    g.globalAlpha = index === lit ? 1 : 0.6;
    g.beginPath();
    g.arc(Math.cos(angle) * radius * 1.31, Math.sin(angle) * radius * 1.31, size, 0, 2 * Math.PI);
    g.fill();
  }
  g.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} g
 * @param {number} radius
 * @param {number} count
 * @param {number} part of the circle that is drawn
 * @param {number} turn
 * @param {number} width
 * @param {string} colour
 */
function arcs(g, radius, count, part, turn, width, colour) {
  g.strokeStyle = colour;
  g.lineWidth = width;
  const span = (2 * Math.PI) / count;
  for (let index = 0; index < count; index += 1) {
    g.beginPath();
    g.arc(0, 0, radius, turn + index * span, turn + index * span + span * part);
    g.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} g
 * @param {number} radius
 * @param {number} turn
 */
function spokes(g, radius, turn) {
  g.globalAlpha = 0.45;
  g.strokeStyle = "#6f8fbd";
  g.beginPath();
  for (let index = 0; index < 6; index += 1) {
    const angle = turn + (index * Math.PI) / 3;
    g.moveTo(Math.cos(angle) * radius * 0.34, Math.sin(angle) * radius * 0.34);
    g.lineTo(Math.cos(angle) * radius * 0.98, Math.sin(angle) * radius * 0.98);
  }
  g.stroke();
  g.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} g
 * @param {number} radius
 * @param {number} pixelRatio
 * @param {number} seconds
 */
function core(g, radius, pixelRatio, seconds) {
  g.beginPath();
  for (let index = 0; index < 6; index += 1) {
    const angle = (index * Math.PI) / 3 + Math.PI / 6;
    if (index === 0) g.moveTo(Math.cos(angle) * radius, Math.sin(angle) * radius);
    else g.lineTo(Math.cos(angle) * radius, Math.sin(angle) * radius);
  }
  g.closePath();
  g.fillStyle = FRIEND;
  g.globalAlpha = 0.16 + 0.06 * Math.sin(seconds * 1.6);
  g.fill();
  g.globalAlpha = 0.95;
  g.strokeStyle = FRIEND;
  g.lineWidth = 1.25 * pixelRatio;
  g.stroke();
  g.globalAlpha = 1;
}
