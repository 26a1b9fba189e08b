/**
 * Ships as drawn by code: silhouettes, and silhouettes turned ahead of time.
 *
 * A crowd is blitted at whole pixels from 64 headings a kind; with few ships in view each is drawn as
 * paths, crisp at any zoom and heading. CPU a ship in software rendering: 5 µs from a bitmap of its own,
 * 14 µs from a cell of one large atlas, 16 µs as filled and stroked paths, 33 µs as a rotated image.
 *
 * @module sprites
 */

import { OWN, kindColour } from "./palette.js";

const HEADINGS = 64;
/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Brush */

/** Thrust of a flame in the atlas, and how far it reaches behind its nozzle in ship radii. */
const FLAME_THRUST = 0.7;
const FLAME_LENGTH = 1.3;

/** Upper halves, nose along +x, in ship radii. @type {Record<string, [number, number][]>} */
const HALVES = {
  player_ship: [[1.35, 0], [0.5, 0.16], [0.1, 0.34], [-0.62, 0.86], [-0.92, 0.8], [-0.62, 0.34], [-0.78, 0.16], [-0.62, 0]],
  pirate: [[0.5, 0], [0.62, 0.3], [1.3, 0.52], [0.35, 0.8], [-0.2, 1.02], [-0.72, 0.72], [-0.3, 0.5], [-0.85, 0.26], [-0.55, 0]],
  patrol: [[1.15, 0], [0.9, 0.17], [0.2, 0.24], [-0.1, 0.6], [0.1, 0.95], [-0.85, 0.98], [-0.72, 0.55], [-0.95, 0.22], [-0.85, 0]],
  trader: [[1.05, 0], [1.0, 0.22], [0.66, 0.3], [0.6, 0.56], [-0.55, 0.6], [-0.62, 0.36], [-1.0, 0.4], [-1.0, 0]],
};

/** Inner lines, mirrored too. @type {Record<string, [number, number, number, number][]>} */
const LINES = {
  player_ship: [[0.75, 0, 0.1, 0.12], [0.1, 0.12, -0.4, 0.1], [0.05, 0.34, -0.55, 0.42]],
  pirate: [[0.62, 0.3, 0.1, 0.2], [0.1, 0.2, -0.3, 0.5], [0.7, 0.55, -0.1, 0.78]],
  patrol: [[0.7, 0, 0.25, 0.1], [0.25, 0.1, -0.55, 0.1], [-0.1, 0.62, -0.72, 0.74]],
  trader: [[0.62, 0.3, 0.62, 0], [0.24, 0.57, 0.24, 0], [-0.15, 0.58, -0.15, 0], [-0.55, 0.6, -0.55, 0]],
};

/** Where flames leave. @type {Record<string, [number, number, number][]>} */
const NOZZLES = {
  player_ship: [[-0.66, 0, 0.2], [-0.74, 0.55, 0.1], [-0.74, -0.55, 0.1]],
  pirate: [[-0.62, 0.24, 0.16], [-0.62, -0.24, 0.16]],
  patrol: [[-0.88, 0.1, 0.14], [-0.88, -0.1, 0.14]],
  trader: [[-1.0, 0.24, 0.12], [-1.0, -0.24, 0.12]],
};

/** @type {Map<string, {hull: Path2D, lines: Path2D}>} */
const paths = new Map();

/** @param {string} kind */
function pathsOf(kind) {
  const key = HALVES[kind] ? kind : "trader";
  let made = paths.get(key);
  if (!made) {
    const half = HALVES[key];
    const hull = new Path2D();
    half.forEach(([x, y], index) => (index === 0 ? hull.moveTo(x, y) : hull.lineTo(x, y)));
    for (const [x, y] of [...half].reverse()) hull.lineTo(x, -y);
    hull.closePath();
    const lines = new Path2D();
    for (const [x0, y0, x1, y1] of LINES[key]) {
      lines.moveTo(x0, y0);
      lines.lineTo(x1, y1);
      lines.moveTo(x0, -y0);
      lines.lineTo(x1, -y1);
    }
    made = { hull, lines };
    paths.set(key, made);
  }
  return made;
}

/**
 * A flame behind a ship, in its own frame.
 * @param {Brush} g
 * @param {string} kind
 * @param {number} thrust
 * @param {number} flicker from 0 to 1
 * @param {string} colour
 */
function flame(g, kind, thrust, flicker, colour) {
  const length = (0.5 + thrust * 1.2) * (0.75 + 0.35 * flicker);
  for (const [x, y, width] of NOZZLES[kind] ?? NOZZLES.trader) {
    g.globalAlpha *= 0.55;
    g.fillStyle = colour;
    g.beginPath();
    g.moveTo(x, y + width);
    g.quadraticCurveTo(x - length * 0.5, y + width * 0.9, x - length, y);
    g.quadraticCurveTo(x - length * 0.5, y - width * 0.9, x, y - width);
    g.fill();
    g.globalAlpha /= 0.55;
    g.fillStyle = "#ffffff";
    g.beginPath();
    g.moveTo(x, y + width * 0.5);
    g.lineTo(x - length * 0.45, y);
    g.lineTo(x, y - width * 0.5);
    g.fill();
  }
}

/**
 * One ship as paths. The context is left as it was found.
 * @param {Brush} g
 * @param {string} kind
 * @param {number} x device pixels
 * @param {number} y device pixels
 * @param {number} r heading in the world
 * @param {number} size ship radius in device pixels
 * @param {number} thrust
 * @param {number} flicker
 * @param {string} colour
 * @param {number} line width in device pixels
 */
export function drawShip(g, kind, x, y, r, size, thrust, flicker, colour, line) {
  const { hull, lines } = pathsOf(kind);
  g.save();
  g.translate(x, y);
  g.rotate(-r);
  g.scale(size, size);
  if (thrust > 0.05) {
    g.globalCompositeOperation = "lighter";
    flame(g, kind, thrust, flicker, colour === OWN ? "#63c5ff" : colour);
    g.globalCompositeOperation = "source-over";
  }
  g.lineJoin = "round";
  g.fillStyle = "#0a1220";
  g.fill(hull);
  g.strokeStyle = colour;
  g.globalAlpha *= 0.16;
  g.lineWidth = (line * 4.5) / size;
  g.stroke(hull);
  g.globalAlpha /= 0.16;
  g.lineWidth = line / size;
  g.stroke(hull);
  g.globalAlpha *= 0.5;
  g.lineWidth = (line * 0.8) / size;
  g.stroke(lines);
  g.restore();
}

/**
 * The box about a ship at a heading, in device pixels from its middle.
 * @param {string} kind
 * @param {boolean} burning
 * @param {number} heading
 * @param {number} size
 * @param {number} line
 */
function box(kind, burning, heading, size, line) {
  const points = [...(HALVES[kind] ?? HALVES.trader)];
  if (burning) for (const [x, y] of NOZZLES[kind] ?? NOZZLES.trader) points.push([x - FLAME_LENGTH, y]);
  const c = Math.cos(heading) * size;
  const s = Math.sin(heading) * size;
  let [left, top, right, bottom] = [0, 0, 0, 0];
  for (const [px, half] of points) {
    for (const py of [half, -half]) {
      left = Math.min(left, px * c - py * s);
      right = Math.max(right, px * c - py * s);
      top = Math.min(top, -px * s - py * c);
      bottom = Math.max(bottom, -px * s - py * c);
    }
  }
  const pad = line * 2.25 + 1;
  return { left: Math.floor(left - pad), top: Math.floor(top - pad), right: Math.ceil(right + pad), bottom: Math.ceil(bottom + pad) };
}

/** Ships turned ahead of time at one size. */
export class Atlas {
  /**
   * @param {number} size ship radius in device pixels
   * @param {number} line stroke width in device pixels
   */
  constructor(size, line) {
    this.size = size;
    this.line = line;
    /** @type {Map<string, ({image: ImageBitmap, left: number, top: number} | undefined)[]>} */
    this.turned = new Map();
  }

  /**
   * Blits one ship at whole pixels; draws its silhouette first if it never was.
   * @param {CanvasRenderingContext2D} g
   * @param {string} kind
   * @param {boolean} burning
   * @param {number} x
   * @param {number} y
   * @param {number} r
   */
  blit(g, kind, burning, x, y, r) {
    const key = burning ? `${kind}+` : kind;
    let all = this.turned.get(key);
    if (!all) {
      all = new Array(HEADINGS).fill(undefined);
      this.turned.set(key, all);
    }
    const index = Math.round((r / (2 * Math.PI)) * HEADINGS + HEADINGS) % HEADINGS;
    const cell = (all[index] ??= this.turn(kind, burning, index));
    g.drawImage(cell.image, Math.round(x) + cell.left, Math.round(y) + cell.top);
  }

  /**
   * @param {string} kind
   * @param {boolean} burning
   * @param {number} index
   */
  turn(kind, burning, index) {
    const heading = (index / HEADINGS) * 2 * Math.PI;
    const { left, top, right, bottom } = box(kind, burning, heading, this.size, this.line);
    const canvas = new OffscreenCanvas(right - left, bottom - top);
    const g = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
    drawShip(g, kind, -left, -top, heading, this.size, burning ? FLAME_THRUST : 0, 0.5, kindColour(kind), this.line);
    return { image: canvas.transferToImageBitmap(), left, top };
  }
}
