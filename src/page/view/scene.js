/**
 * The flight view: one opaque 2D canvas, drawn back to front once a frame.
 *
 * 2D and not WebGL2 because it was measured: 1,000 turning ships at 1280×720 in software rendering take
 * 6 ms as blits of silhouettes turned ahead of time, and 35 ms as instanced quads in WebGL2.
 *
 * ```text
 *   backdrop ▸ stars ▸ stations ▸ trail ▸ ships ▸ shots ▸ own ship ▸ effects ▸ markers
 * ```
 *
 * @module scene
 */

import { Atlas, drawShip } from "./sprites.js";
import { Backdrop } from "./backdrop.js";
import { Camera } from "./camera.js";
import { Effects } from "./effects.js";
import { Stars } from "./stars.js";
import { drawOrrery } from "./orrery.js";
import { drawStation } from "./stations.js";
import { drawHealth, drawLead, drawPointers, drawThreat, isThreat } from "./markers.js";
import { FRIEND, HOSTILE, OWN, SKY, kindColour } from "./palette.js";

/** @typedef {import("../game/world.js").World} World */
/** @typedef {import("../game/entity.js").Entity} Entity */
/** @typedef {import("../game/flight.js").Body} Body */

const PIXEL_RATIO_MAX = 2;
const PATHS_MAX = 90;
const SHIP_PX_MIN = 5;
/** Width of the station's counter with its margin, CSS pixels. */
const COUNTER_PX = 502;

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
    this.effects = new Effects();
    this.calm = false;
    /** @type {Atlas | null} */
    this.atlas = null;
    this.shipsDrawn = 0;
    this.idleSeconds = 40;
    this.narrow = false;
    this.framedDocked = false;
    /** @type {Entity[]} */
    this.inFrame = [];
    /** @type {import("./markers.js").Frame} */
    this.inset = { top: 150, right: 60, bottom: 60, left: 60, corners: [] };
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
    this.frameUp(false);
    if (this.narrow && !this.camera.started) this.camera.step(-1);
  }

  /**
   * Where the instruments leave room, with and without the station's counter.
   * @param {boolean} docked
   */
  frameUp(docked) {
    this.framedDocked = docked;
    const { width, height, pixelRatio } = this.camera;
    const counter = docked && !this.narrow;
    this.camera.biasAim = counter ? COUNTER_PX / 2 : 0;
    const edge = (this.narrow ? 18 : 34) * pixelRatio;
    const left = counter ? (COUNTER_PX + 24) * pixelRatio : edge;
    const top = (this.narrow ? 190 : 96) * pixelRatio;
    const bottom = (this.narrow ? 250 : 64) * pixelRatio;
    const at = (/** @type {number} */ value) => value * pixelRatio;
    const corners = this.narrow
      ? []
      : [
          { x0: 0, y0: 0, x1: at(275), y1: at(150), y: at(164) },
          { x0: width - at(220), y0: 0, x1: width, y1: at(236), y: at(250) },
          { x0: docked ? width - at(375) : 0, y0: height - at(215), x1: docked ? width : at(370), y1: height, y: height - at(228) },
        ];
    this.inset = { top, right: edge, bottom, left, corners };
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
    if ((frame.dockedAt !== null) !== this.framedDocked) this.frameUp(frame.dockedAt !== null);
    camera.follow(own, frame.seconds);
    effects.advance(frame.seconds);
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.globalAlpha = 1;
    g.globalCompositeOperation = "source-over";
    this.backdrop.draw(g, camera, world);
    this.stars.draw(g, camera);
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
    const span = 16 / Math.max(1, world.muzzleSpeed);
    const strokes = [
      { width: 5, alpha: 0.22 },
      { width: 1.8, alpha: 1 },
    ];
    for (const own of [false, true]) {
      g.strokeStyle = own ? "#bfe6ff" : "#ffc08a";
      g.beginPath();
      for (const entity of world.entities.values()) {
        if (entity.kind !== "projectile" || !entity.visible || entity.ownShot !== own) continue;
        const x = camera.toX(entity.x);
        const y = camera.toY(entity.y);
        if (x < -40 || y < -40 || x > camera.width + 40 || y > camera.height + 40) continue;
        g.moveTo(x, y);
        g.lineTo(x - entity.vx * span * camera.scale, y + entity.vy * span * camera.scale);
      }
      for (const { width, alpha } of strokes) {
        g.globalAlpha = alpha;
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
    for (const entity of inFrame) if (isThreat(entity, nowMs)) drawThreat(g, camera, entity, size, own, pulse);
    if (frame.alive && !frame.dockedAt) drawLead(g, camera, world, own, nowMs);
    drawPointers(g, camera, world, own, nowMs, this.inset);
  }
}
