/**
 * The instrument that the game is named after, turning behind the door.
 *
 * @module orrery
 */

import { FRIEND, HAIR, HOSTILE, INK } from "./palette.js";

const ORBITS = [
  { part: 0.3, size: 3, speed: 0.21, colour: INK },
  { part: 0.46, size: 4.5, speed: -0.13, colour: FRIEND },
  { part: 0.64, size: 3.5, speed: 0.09, colour: HOSTILE },
  { part: 0.86, size: 6, speed: -0.05, colour: INK },
];

/**
 * @param {CanvasRenderingContext2D} g
 * @param {number} width
 * @param {number} height
 * @param {number} pixelRatio
 * @param {number} seconds
 */
export function drawOrrery(g, width, height, pixelRatio, seconds) {
  const reach = Math.max(Math.min(width, height) * 0.62, 330 * pixelRatio);
  g.save();
  g.translate(width / 2, height / 2);
  g.lineWidth = pixelRatio;
  for (const { part, size, speed, colour } of ORBITS) {
    const radius = reach * part;
    g.strokeStyle = HAIR;
    g.beginPath();
    g.arc(0, 0, radius, 0, 2 * Math.PI);
    for (let degree = 0; degree < 360; degree += 5) {
      const angle = (degree * Math.PI) / 180;
      const tick = (degree % 30 === 0 ? 8 : 4) * pixelRatio;
      g.moveTo(Math.cos(angle) * radius, Math.sin(angle) * radius);
      g.lineTo(Math.cos(angle) * (radius + tick), Math.sin(angle) * (radius + tick));
    }
    g.stroke();
    const angle = seconds * speed + part * 9;
    const x = Math.cos(angle) * radius;
    const y = Math.sin(angle) * radius;
    g.beginPath();
    g.moveTo(0, 0);
    g.lineTo(x, y);
    g.stroke();
    g.fillStyle = "#0a1220";
    g.strokeStyle = colour;
    g.lineWidth = 1.5 * pixelRatio;
    g.beginPath();
    g.arc(x, y, size * pixelRatio, 0, 2 * Math.PI);
    g.fill();
    g.stroke();
    g.lineWidth = pixelRatio;
  }
  g.restore();
}
