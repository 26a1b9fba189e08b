/**
 * Stations: hairline machinery about a lit core, and the ring within which a ship may dock.
 *
 * @module stations
 */

import { DIM, FRIEND, INK, MONO } from "./palette.js";
import { stationName } from "../app/words.js";

/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {import("../types.js").StationInfo} StationInfo */

/**
 * @param {CanvasRenderingContext2D} g
 * @param {Camera} camera
 * @param {StationInfo} station
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
  g.lineWidth = pixelRatio;
  g.fillStyle = "#0a1322";
  g.strokeStyle = INK;
  g.beginPath();
  g.arc(0, 0, radius, 0, 2 * Math.PI);
  g.fill();
  g.globalAlpha = 0.18;
  g.lineWidth = 5 * pixelRatio;
  g.strokeStyle = FRIEND;
  g.stroke();
  g.globalAlpha = 0.9;
  g.lineWidth = 1.25 * pixelRatio;
  g.strokeStyle = INK;
  g.stroke();
  arcs(g, radius * 0.82, 3, 0.62, seconds * 0.12, pixelRatio * 2.4, "#4d6a94");
  arcs(g, radius * 0.58, 2, 0.8, -seconds * 0.2, pixelRatio * 1.2, "#6f8fbd");
  spokes(g, radius, seconds * 0.05);
  core(g, radius * 0.3, pixelRatio, seconds);
  g.restore();
  g.font = `600 ${11 * pixelRatio}px ${MONO}`;
  g.textAlign = "center";
  g.textBaseline = "top";
  g.fillStyle = INK;
  g.globalAlpha = 0.9;
  g.fillText(stationName(station).toUpperCase(), x, y + radius + 9 * pixelRatio);
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
