/**
 * The flight view: one opaque 2D canvas, drawn back to front once a frame.
 *
 * 2D and not WebGL2 because it was measured: 1,000 turning ships at 1280×720 in software rendering take
 * 6 ms as blits of silhouettes turned ahead of time, and 35 ms as instanced quads in WebGL2.
 *
 * ```text
 *   backdrop ▸ stars ▸ worlds ▸ stations ▸ trail ▸ ships ▸ shots ▸ own ship ▸ effects ▸ markers
 * ```
 *
 * @module scene
 */

import { Atlas, drawShip } from "./sprites.js";
import { Backdrop } from "./backdrop.js";
import { Bodies } from "./bodies.js";
import { Camera } from "./camera.js";
import { Effects } from "./effects.js";
import { Stars } from "./stars.js";
import { drawOrrery } from "./orrery.js";
import { drawStation } from "./stations.js";
import { clearLabels, drawHealth, drawLead, drawPointers, drawThreat, isThreat } from "./markers.js";
import { FRIEND, HOSTILE, OWN, SKY, kindColour } from "./palette.js";

/** @typedef {import("../game/world.js").World} World */
/** @typedef {import("../game/entity.js").Entity} Entity */
/** @typedef {import("../game/flight.js").Body} Body */

const PIXEL_RATIO_MAX = 2;
const PATHS_MAX = 90;
const SHIP_PX_MIN = 5;
/** Strokes of a shot, outermost first: theirs are the loudest thing in the picture. */
const OWN_SHOT = [
  { width: 5, alpha: 0.22, colour: "#63c5ff" },
  { width: 1.8, alpha: 1, colour: "#dcf1ff" },
];
const THEIR_SHOT = [
  { width: 9, alpha: 0.2, colour: HOSTILE },
  { width: 4.5, alpha: 0.5, colour: HOSTILE },
  { width: 1.8, alpha: 1, colour: "#fff0e2" },
];
/** Widths with their margin of what may stand at the left, CSS pixels. @type {Record<string, number>} */
const COVER_PX = { counter: 502, sheet: 418, nothing: 0 };
/** A picture narrower than this is not moved aside for it. */
const ASIDE_PX_MIN = 760;

/**
 * @typedef {object} Frame
 * @property {World} world
 * @property {Body} own
 * @property {number} burn thrust of the own ship, 0 to 1
 * @property {boolean} alive whether there is an own ship in space
 * @property {string | null} dockedAt
 * @property {number} nowMs
 * @property {number} seconds since the last frame
 */

export class Scene {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this.camera = new Camera();
    this.backdrop = new Backdrop();
    this.stars = new Stars();
    this.bodies = new Bodies();
    this.effects = new Effects();
    this.calm = false;
    /** @type {Atlas | null} */
    this.atlas = null;
    this.shipsDrawn = 0;
    this.idleSeconds = 40;
    this.narrow = false;
    /** What stands before the picture at its left. @type {"counter" | "sheet" | "nothing"} */
    this.covered = "nothing";
    /** @type {Entity[]} */
    this.inFrame = [];
    /** @type {import("./markers.js").Frame} */
    this.inset = { top: 0, right: 0, bottom: 0, left: 0 };
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.resize();
  }

  resize() {
    const ratio = Math.min(PIXEL_RATIO_MAX, devicePixelRatio || 1);
    const width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    if (width === this.canvas.width && height === this.canvas.height) return;
    this.canvas.width = width;
    this.canvas.height = height;
    this.camera.resize(width, height, ratio);
    this.narrow = this.canvas.clientWidth < 700;
    this.frameUp();
    if (!this.camera.started) this.camera.begin();
  }

  /** @param {"counter" | "sheet" | "nothing"} what stands at the left */
  cover(what) {
    if (what === this.covered) return;
    this.covered = what;
    this.frameUp();
  }

  /** Where the instruments leave room. */
  frameUp() {
    const { width, height, pixelRatio } = this.camera;
    const aside = this.canvas.clientWidth >= ASIDE_PX_MIN ? COVER_PX[this.covered] : 0;
    this.camera.biasAim = aside / 2;
    const low = height < 480 * pixelRatio;
    const { across, down } = this.narrow ? { across: 0.04, down: 0.03 } : low ? { across: 0.17, down: 0.16 } : { across: 0.1, down: 0.085 };
    const left = (aside > 0 ? aside + 24 : 0) * pixelRatio + width * across * (aside > 0 ? 0.3 : 1);
    // On a phone the instruments lie above and the thumbs below; elsewhere they have the corners.
    const upright = height > width && this.narrow;
    const top = upright ? 200 * pixelRatio : height * down + 26 * pixelRatio;
    const bottom = upright ? 250 * pixelRatio : height * down;
    this.inset = { top, right: width * across, bottom, left };
  }

  /** @param {boolean} calm whether motion is unwelcome */
  setCalm(calm) {
    this.calm = calm;
    this.camera.calm = calm;
    this.effects.calm = calm;
  }

  /** An empty sky, before there is a world to show. @param {number} seconds */
  drawIdle(seconds) {
    const { g, camera } = this;
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.fillStyle = SKY;
    g.fillRect(0, 0, camera.width, camera.height);
    if (!this.calm) {
      camera.x += seconds * 40;
      this.idleSeconds += seconds;
    }
    this.stars.draw(g, camera);
    drawOrrery(g, camera.width, camera.height, camera.pixelRatio, this.idleSeconds);
  }

  /** @param {Frame} frame */
  draw(frame) {
    const { g, camera, effects } = this;
    const { world, own, nowMs } = frame;
    camera.follow(own, frame.seconds);
    effects.advance(frame.seconds);
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.globalAlpha = 1;
    g.globalCompositeOperation = "source-over";
    this.backdrop.draw(g, camera, world);
    this.stars.draw(g, camera);
    this.bodies.draw(g, camera, world.stations.values());
    const turning = this.calm ? 0 : nowMs / 1000;
    for (const station of world.stations.values()) {
      const inReach = frame.alive && Math.hypot(station.x - own.x, station.y - own.y) < station.docking_radius;
      drawStation(g, camera, station, turning, inReach);
    }
    effects.drawTrail(g, camera);
    this.gather(world);
    this.drawShips(frame);
    this.drawShots(world);
    if (frame.alive) this.drawOwn(frame);
    effects.draw(g, camera);
    this.drawMarkers(frame);
  }

  /**
   * Ships of others inside the picture.
   * @param {World} world
   */
  gather(world) {
    const { camera, inFrame } = this;
    inFrame.length = 0;
    const margin = world.flight.radius * 3;
    const reachX = camera.width / 2 / camera.scale + margin;
    const reachY = camera.height / 2 / camera.scale + margin;
    for (const entity of world.entities.values()) {
      if (!entity.isShip || !entity.visible || entity.id === world.shipId) continue;
      if (Math.abs(entity.x - camera.x) < reachX && Math.abs(entity.y - camera.y) < reachY) inFrame.push(entity);
    }
    this.shipsDrawn = inFrame.length;
  }

  /** Ship radius in device pixels. @param {World} world */
  shipSize(world) {
    return Math.max(SHIP_PX_MIN * this.camera.pixelRatio, world.flight.radius * this.camera.scale);
  }

  /** @param {Frame} frame */
  drawShips(frame) {
    const { g, camera, inFrame } = this;
    const size = this.shipSize(frame.world);
    const line = 1.3 * camera.pixelRatio;
    const crowd = inFrame.length > PATHS_MAX;
    if (crowd && (!this.atlas || Math.abs(this.atlas.size - size) > 0.01)) this.atlas = new Atlas(size, line);
    g.imageSmoothingEnabled = false;
    for (const entity of inFrame) {
      const x = camera.toX(entity.x);
      const y = camera.toY(entity.y);
      if (crowd && this.atlas) this.atlas.blit(g, entity.kind, entity.thrust > 0.15, x, y, entity.r);
      else {
        const flicker = this.calm ? 0.5 : Math.random();
        const colour = isThreat(entity, frame.nowMs) ? HOSTILE : kindColour(entity.kind);
        drawShip(g, entity.kind, x, y, entity.r, size, entity.thrust, flicker, colour, line);
      }
    }
    g.imageSmoothingEnabled = true;
    for (const entity of inFrame) if (entity.hp < entity.hpMax) drawHealth(g, camera, entity, size);
  }

  /** @param {World} world */
  drawShots(world) {
    const { g, camera } = this;
    g.globalCompositeOperation = "lighter";
    g.lineCap = "round";
    for (const own of [false, true]) {
      const span = (own ? 16 : 24) / Math.max(1, world.muzzleSpeed);
      g.beginPath();
      for (const entity of world.entities.values()) {
        if (entity.kind !== "projectile" || !entity.visible || entity.ownShot !== own) continue;
        const x = camera.toX(entity.x);
        const y = camera.toY(entity.y);
        if (x < -40 || y < -40 || x > camera.width + 40 || y > camera.height + 40) continue;
        g.moveTo(x, y);
        g.lineTo(x - entity.vx * span * camera.scale, y + entity.vy * span * camera.scale);
      }
      for (const { width, alpha, colour } of own ? OWN_SHOT : THEIR_SHOT) {
        g.globalAlpha = alpha;
        g.strokeStyle = colour;
        g.lineWidth = width * camera.pixelRatio;
        g.stroke();
      }
    }
    g.globalAlpha = 1;
    g.globalCompositeOperation = "source-over";
  }

  /** @param {Frame} frame */
  drawOwn(frame) {
    const { g, camera } = this;
    const { own } = frame;
    const size = this.shipSize(frame.world);
    const x = camera.toX(own.x);
    const y = camera.toY(own.y);
    const flicker = this.calm ? 0.5 : Math.random();
    if (!frame.dockedAt) {
      const c = Math.cos(own.r);
      const s = -Math.sin(own.r);
      const from = size * 2;
      const to = from + 130 * camera.pixelRatio;
      g.strokeStyle = FRIEND;
      g.globalAlpha = 0.28;
      g.lineWidth = camera.pixelRatio;
      g.setLineDash([1.5 * camera.pixelRatio, 9 * camera.pixelRatio]);
      g.beginPath();
      g.moveTo(x + c * from, y + s * from);
      g.lineTo(x + c * to, y + s * to);
      g.stroke();
      g.setLineDash([]);
      g.globalAlpha = 1;
    }
    drawShip(g, "player_ship", x, y, own.r, size * 1.08, frame.burn, flicker, OWN, 1.7 * camera.pixelRatio);
  }

  /** @param {Frame} frame */
  drawMarkers(frame) {
    const { g, camera, inFrame } = this;
    const { world, own, nowMs } = frame;
    const size = this.shipSize(world);
    const pulse = this.calm ? 0 : 0.5 + 0.5 * Math.sin(nowMs / 110);
    clearLabels();
    for (const entity of inFrame) if (isThreat(entity, nowMs)) drawThreat(g, camera, entity, size, own, pulse);
    if (frame.alive && !frame.dockedAt) drawLead(g, camera, world, own, nowMs);
    drawPointers(g, camera, world, own, nowMs, this.inset);
  }
}
