/**
 * Puts the page together: line, game, picture, panels, controls; then one loop.
 *
 * ```text
 *   requestAnimationFrame ─▶ steer ─▶ advance ─▶ draw        every frame
 *                         └▶ instruments                     ten times a second
 * ```
 *
 * @module main
 */

import { Game } from "./game.js";
import { Link } from "./link.js";
import { GamepadControl } from "../control/gamepad.js";
import { Keyboard } from "../control/keyboard.js";
import { Steering } from "../control/steering.js";
import { Touch } from "../control/touch.js";
import { Help, PilotDialog, guestToken, noTokenWords, storeToken, storedToken } from "../panel/dialogs.js";
import { byId } from "../panel/dom.js";
import { Hud } from "../panel/hud.js";
import { Log } from "../panel/log.js";
import { StationPanel } from "../panel/station.js";
import { distance, stationName } from "./words.js";
import { Radar } from "../view/radar.js";
import { Scene } from "../view/scene.js";

const PANEL_MS = 100;
const RADAR_MS = 66;
const PAIN_MS = 160;
const FRAMES_KEPT = 600;
/** A dock can be asked for from this many of its radii away, and is given up from that many. */
const COMING_ABOUT_PART = 1.5;
const ASTRAY_PART = 4;

const scene = new Scene(/** @type {HTMLCanvasElement} */ (byId("view")));
const radar = new Radar(/** @type {HTMLCanvasElement} */ (byId("radar")));
const log = new Log();
const hud = new Hud();
const help = new Help();
/** Whether the main pointer is a thumb. */
const coarse = matchMedia("(pointer: coarse)").matches;
const calmQuery = matchMedia("(prefers-reduced-motion: reduce)");

let painUntil = 0;
const game = new Game(scene, log, {
  joined: () => {
    steering.reset();
    byId("hud").hidden = false;
    showState();
    byId("touch").hidden = !coarse;
    help.welcome();
  },
  hurt: () => {
    painUntil = performance.now() + PAIN_MS;
  },
  jumping: () => {
    station.update();
    showState();
  },
});
const { world, prediction } = game;

const scheme = location.protocol === "https:" ? "wss:" : "ws:";
const link = new Link(`${scheme}//${location.host}/ws`, {
  message: (message) => game.receive(message),
  state: () => showState(),
  signIn: (words) => {
    storeToken("");
    byId("banner").hidden = true;
    pilot.open(words, false);
  },
});
const pilot = new PilotDialog((token) => {
  storeToken(token);
  link.use(token);
});
const station = new StationPanel(world, link, (text, tone) => log.say(text, tone), () => undock());
station.stranded = () => {
  if (game.transit) link.connect();
};

let undockUntil = 0;
/** A push as long as it must be held: to the end of the pause after docking, and a moment more. */
function undock() {
  undockUntil = performance.now() + world.dockPauseSeconds * 1000 + 400;
}

function dock() {
  if (world.you?.docked_at != null) {
    undock();
    return;
  }
  if (steering.docking) {
    steering.docking = false;
    return;
  }
  const nearest = world.nearestStation(prediction.shown);
  if (!nearest) return;
  const { station: at, away } = nearest;
  if (away > at.docking_radius * COMING_ABOUT_PART) log.say(`No dock in reach. The nearest is ${stationName(at)}, ${distance(away)} away.`);
  else {
    steering.docking = true;
    steering.dockTarget = { x: at.x, y: at.y, reach: at.docking_radius, speedMax: at.docking_speed_max };
  }
}

/** @type {Record<string, () => void>} */
const KEYS = {
  KeyE: dock,
  KeyF: dock,
  KeyH: () => help.toggle(),
  Escape: () => help.close(),
  KeyP: () => pilot.open(`You fly as ${link.playerId}.`, true),
  KeyM: () => station.toggleFocus(),
  Equal: () => scene.camera.step(1),
  NumpadAdd: () => scene.camera.step(1),
  Minus: () => scene.camera.step(-1),
  NumpadSubtract: () => scene.camera.step(-1),
};

const keyboard = new Keyboard((code) => {
  const act = KEYS[code];
  if (act && document.querySelector("dialog:modal") === null) act();
  return act !== undefined;
});
const touch = new Touch(byId("sky"), byId("stick"), byId("touch-fire"), (factor) => scene.camera.pinchBy(factor));
const steering = new Steering(
  [
    keyboard,
    touch,
    new GamepadControl(dock),
    {
      read: (intent) => {
        if (performance.now() < undockUntil) intent.thrust = Math.max(intent.thrust, 0.3);
      },
    },
  ],
  (steer) => {
    const seq = link.send("input.command", {
      thrust: steer.thrust,
      turn: steer.turn,
      fire_primary: steer.fire,
      dock_request: steer.dock,
    });
    if (seq > 0) prediction.command(seq, steer);
    return seq > 0;
  },
);

function showState() {
  const banner = byId("banner");
  const words = /** @type {HTMLElement} */ (banner.firstElementChild);
  const retry = byId("retry-now");
  const { state } = link;
  if (state !== "flying" && state !== "joining") game.transit = null;
  const { transit } = game;
  banner.hidden = !transit && (state === "flying" || state === "offline" || (state === "connecting" && link.attempt === 0) || (state === "joining" && !link.words));
  banner.classList.toggle("quiet", transit !== null || state === "connecting" || state === "joining");
  retry.hidden = state !== "waiting" && state !== "stopped";
  retry.textContent = state === "stopped" ? "Take over here" : "Try now";
  if (state === "waiting") words.textContent = `${link.words} Trying again in ${Math.max(0, Math.ceil((link.retryAt - performance.now()) / 1000))} s.`;
  else if (transit) words.textContent = `Jumping to ${transit.name}: ${Math.max(0, Math.ceil((transit.until - performance.now()) / 1000))} s`;
  else words.textContent = link.words || "Reconnecting.";
}

byId("retry-now").onclick = () => link.open(link.token);
byId("zoom-in").onclick = () => scene.camera.step(1);
byId("zoom-out").onclick = () => scene.camera.step(-1);
byId("open-pilot").onclick = () => KEYS.KeyP();
byId("touch-dock").onclick = dock;
addEventListener("wheel", (event) => {
  if (event.target instanceof Element && event.target.closest("dialog, aside, #log")) return;
  scene.camera.step(event.deltaY < 0 ? 1 : -1);
}, { passive: true });
document.addEventListener("visibilitychange", () => {
  if (document.hidden) link.send("input.command", { thrust: 0, turn: 0, fire_primary: false, dock_request: false });
  steering.sent = null;
});
const calm = () => scene.setCalm(calmQuery.matches);
calmQuery.addEventListener("change", calm);
calm();
document.body.classList.toggle("coarse", coarse);

let before = performance.now();
let panelAt = 0;
let radarAt = 0;
/** Work of the last frames, ms: what a frame costs from its start to the end of its painting. */
const frames = new Float64Array(FRAMES_KEPT);
let frameCount = 0;
const painted = new MessageChannel();
let frameStart = 0;
painted.port1.onmessage = () => {
  frames[frameCount % FRAMES_KEPT] = performance.now() - frameStart;
  frameCount += 1;
};

function panels(/** @type {number} */ now) {
  panelAt = now;
  const own = prediction.shown;
  world.findBuyer();
  hud.ship(world, own);
  hud.place(world);
  hud.connection(link, game.clock, world, own, now);
  const near = hud.docking(world, own, { docking: steering.docking, alive: game.alive, touch: touch.used || coarse });
  const { dockTarget } = steering;
  const astray = !dockTarget || Math.hypot(dockTarget.x - own.x, dockTarget.y - own.y) > dockTarget.reach * ASTRAY_PART;
  if (astray || world.you?.docked_at != null) steering.docking = false;
  byId("touch-dock").classList.toggle("ready", near !== null && world.dockPauseSeconds === 0);
  station.update();
  if (link.state === "waiting") showState();
}

function frame() {
  requestAnimationFrame(frame);
  frameStart = performance.now();
  const now = frameStart;
  const seconds = Math.min(0.1, (now - before) / 1000);
  before = now;
  if (prediction.ready) {
    game.advance(now, seconds);
    if (game.alive) steering.update(now, prediction.drawn(), world.flight, 1000 / world.tickRate);
    const { thrust } = steering.current;
    const dockedAt = world.you?.docked_at ?? null;
    if (game.alive && !dockedAt) scene.effects.follow(prediction.shown, thrust, now);
    scene.cover(dockedAt ? "counter" : help.dialog.open ? "sheet" : "nothing");
    scene.draw({ world, own: prediction.shown, burn: dockedAt ? 0 : thrust, alive: game.alive, dockedAt, nowMs: now, seconds });
    if (now - radarAt > RADAR_MS) {
      radarAt = now;
      radar.draw(world, prediction.shown, scene.camera, now);
    }
    if (now - panelAt > PANEL_MS) panels(now);
  } else {
    scene.drawIdle(seconds);
    if (now - panelAt > PANEL_MS && (link.state === "waiting" || game.transit)) {
      panelAt = now;
      showState();
    }
  }
  byId("pain").classList.toggle("on", now < painUntil);
  painted.port2.postMessage(0);
}

async function begin() {
  requestAnimationFrame(frame);
  const token = storedToken();
  if (token) {
    link.open(token);
    return;
  }
  try {
    const guest = await guestToken();
    if (guest) pilot.use(guest);
    else {
      pilot.open("", false);
      pilot.noGuests();
    }
  } catch (error) {
    pilot.open(noTokenWords(error), false);
  }
}

/** What a curious pilot, or a test, may look at from the console. */
Object.defineProperty(globalThis, "orrery", {
  value: Object.freeze({
    game,
    link,
    scene,
    steering,
    /** Frame cost in ms: median, 95th percentile, and over how many frames. */
    frameCost: () => {
      const kept = [...frames.subarray(0, Math.min(frameCount, FRAMES_KEPT))].sort((a, b) => a - b);
      const at = (/** @type {number} */ part) => kept[Math.floor((kept.length - 1) * part)] ?? 0;
      return { p50: at(0.5), p95: at(0.95), frames: kept.length, ships: scene.shipsDrawn };
    },
  }),
});

void begin();
