/**
 * Ships as drawn by code: silhouettes, and atlases of them turned ahead of time.
 *
 * A crowd is blitted from an atlas of 64 headings at whole pixels (about 6 µs a ship in software
 * rendering); with few ships in view each is stroked as a path, crisp at any zoom (about 30 µs).
 * Cells are drawn when first asked for.
 *
 * @module sprites
 */

import { OWN, kindColour } from "./palette.js";

const HEADINGS = 64;
const ATLAS_COLUMNS = 16;

/** Upper halves, nose along +x, in ship radii. @type {Record<string, [number, number][]>} */
const HALVES = {
  player_ship: [[1.25, 0], [0.15, 0.34], [-0.35, 0.78], [-0.85, 0.86], [-0.55, 0.3], [-0.62, 0]],
  pirate: [[0.45, 0], [1.2, 0.3], [0.62, 0.46], [0.05, 1.02], [-0.5, 0.98], [-0.28, 0.5], [-0.9, 0.34], [-0.6, 0]],
  patrol: [[1.15, 0], [0.82, 0.2], [0.3, 0.26], [-0.25, 0.95], [-0.95, 0.95], [-0.6, 0.42], [-0.9, 0.22], [-0.9, 0]],
  trader: [[1.0, 0], [0.92, 0.26], [0.55, 0.3], [0.45, 0.58], [-0.55, 0.58], [-0.62, 0.34], [-0.95, 0.34], [-0.95, 0]],
};

/** Inner lines, mirrored too. @type {Record<string, [number, number, number, number][]>} */
const LINES = {
  player_ship: [[0.62, 0, 0.05, 0.13], [0.05, 0.13, -0.4, 0.12]],
  pirate: [[0.3, 0.12, -0.2, 0.42]],
  patrol: [[0.5, 0, -0.5, 0.24], [-0.2, 0.5, -0.75, 0.72]],
  trader: [[0.3, 0.58, 0.3, 0], [-0.1, 0.58, -0.1, 0], [-0.45, 0.58, -0.45, 0]],
};

/** Where flames leave. @type {Record<string, [number, number, number][]>} */
const NOZZLES = {
  player_ship: [[-0.6, 0, 0.24]],
  pirate: [[-0.72, 0.3, 0.15], [-0.72, -0.3, 0.15]],
  patrol: [[-0.9, 0, 0.2]],
  trader: [[-0.95, 0.2, 0.13], [-0.95, -0.2, 0.13]],
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
 * @param {CanvasRenderingContext2D} g
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
 * @param {CanvasRenderingContext2D} g
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

export class Atlas {
  /**
   * @param {number} size ship radius in device pixels
   * @param {number} line stroke width in device pixels
   */
  constructor(size, line) {
    this.size = size;
    this.line = line;
    /** Edge of one cell: hull, flame and glow fit whatever the heading. */
    this.cell = 2 * Math.ceil(size * 1.75 + line * 3);
    /** @type {Map<string, {canvas: HTMLCanvasElement, g: CanvasRenderingContext2D, drawn: Uint8Array}>} */
    this.sheets = new Map();
  }

  /**
   * Blits one ship; draws its cell first if it never was.
   * @param {CanvasRenderingContext2D} g
   * @param {string} kind
   * @param {boolean} burning
   * @param {number} x
   * @param {number} y
   * @param {number} r
   */
  blit(g, kind, burning, x, y, r) {
    const key = burning ? `${kind}+` : kind;
    const sheet = this.sheets.get(key) ?? this.sheet(key);
    const index = Math.round((r / (2 * Math.PI)) * HEADINGS + HEADINGS) % HEADINGS;
    const { cell } = this;
    const sx = (index % ATLAS_COLUMNS) * cell;
    const sy = Math.floor(index / ATLAS_COLUMNS) * cell;
    if (sheet.drawn[index] === 0) {
      sheet.drawn[index] = 1;
      const heading = (index / HEADINGS) * 2 * Math.PI;
      drawShip(sheet.g, kind, sx + cell / 2, sy + cell / 2, heading, this.size, burning ? 0.7 : 0, 0.5, kindColour(kind), this.line);
    }
    g.drawImage(sheet.canvas, sx, sy, cell, cell, Math.round(x - cell / 2), Math.round(y - cell / 2), cell, cell);
  }

  /** @param {string} key */
  sheet(key) {
    const canvas = document.createElement("canvas");
    canvas.width = ATLAS_COLUMNS * this.cell;
    canvas.height = (HEADINGS / ATLAS_COLUMNS) * this.cell;
    const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const made = { canvas, g, drawn: new Uint8Array(HEADINGS) };
    this.sheets.set(key, made);
    return made;
  }
}
