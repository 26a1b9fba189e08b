/** What the pilot's ship can sense, from snapshots and deltas as the server sends them. */

import assert from "node:assert/strict";
import test from "node:test";

import { World } from "../../src/page/game/world.js";
import { delta, joined, near, row, snapshot, station, you } from "./samples.mjs";

/** A world that a pilot has joined, and what it told of. */
function world(fields = {}) {
  /** @type {string[]} */
  const told = [];
  const one = new World({
    gone: (entity, reason) => told.push(`${entity.id} ${reason}`),
    event: (event) => told.push(event.kind),
  });
  one.join(joined(fields));
  return { one, told };
}

test("a snapshot is all there is: whoever it leaves out has left the view", () => {
  const { one, told } = world();
  one.applySnapshot(snapshot({ entities: [row("a"), row("b")] }));
  one.applySnapshot(snapshot({ tick: 110, entities: [row("b"), row("c")] }));
  one.sample(110, 110);
  assert.deepEqual([...one.entities.keys()], ["b", "c"]);
  assert.deepEqual(told, ["a left_view"]);
});

test("a removal is told when its tick is drawn, with the server's reason", () => {
  const { one, told } = world();
  one.applySnapshot(snapshot({ entities: [row("a"), row("b")] }));
  one.applyDelta(delta(110, { entity_removed: ["a", "b"], gone: { a: "destroyed" } }));
  one.sample(109.9, 109.9);
  assert.deepEqual(told, []);
  one.sample(110, 110);
  assert.deepEqual(told, ["a destroyed", "b left_view"]);
  one.sample(111, 111);
  assert.equal(told.length, 2, "and only once");
});

test("whoever comes back before its removal is drawn stays", () => {
  const { one, told } = world();
  one.applySnapshot(snapshot({ entities: [row("a")] }));
  one.applyDelta(delta(101, { entity_removed: ["a"] }));
  one.applyDelta(delta(102, { entity_updates: [row("a", { x: 3 })] }));
  one.sample(103, 103);
  assert.deepEqual(told, []);
  assert.equal(one.entities.get("a")?.x, 3);
});

test("an update of somebody unknown is passed over, unless it says what it is", () => {
  const { one } = world();
  one.applyDelta(delta(101, { entity_updates: [row("a", { kind: undefined }), row("b", { kind: "pirate" })] }));
  assert.deepEqual([...one.entities.keys()], ["b"]);
  assert.equal(one.entities.get("b")?.isShip, true);
});

test("one's own shot is drawn at one's own tick, and everybody else's in the past", () => {
  const { one } = world();
  const shot = (/** @type {string} */ id) => row(id, { kind: "projectile", vx: 30 });
  one.applyDelta(
    delta(101, {
      entity_updates: [shot("mine"), shot("theirs")],
      events: [
        { kind: "projectile_fired", source_id: "me", projectile_id: "mine" },
        { kind: "projectile_fired", source_id: "them", projectile_id: "theirs" },
      ],
    }),
  );
  one.sample(101, 104);
  near(one.entities.get("mine")?.x ?? 0, 3, "mine");
  near(one.entities.get("theirs")?.x ?? 1, 0, "theirs");
});

test("events are told in their order", () => {
  const { one, told } = world();
  one.applyDelta(delta(101, { events: [{ kind: "docked", source_id: "me" }, { kind: "undocked", source_id: "me" }] }));
  assert.deepEqual(told, ["docked", "undocked"]);
});

test("a delta tells only what changed of the pilot's means", () => {
  const { one } = world();
  one.applySnapshot(snapshot({ you: you({ credits: 500, fuel: 60 }) }));
  one.applyDelta(delta(101, { you: { fuel: 59 } }));
  assert.equal(one.you?.credits, 500);
  assert.equal(one.you?.fuel, 59);
  one.applyDelta(delta(102));
  assert.equal(one.you?.fuel, 59);
});

test("a respawned pilot's ship is the one that the server names", () => {
  const { one } = world();
  one.applySnapshot(snapshot({ you: you({ ship_id: "first" }), entities: [row("first"), row("second")] }));
  assert.equal(one.ship?.id, "first");
  one.applyDelta(delta(101, { you: { ship_id: "second" } }));
  assert.equal(one.ship?.id, "second");
});

test("the newest input applied is remembered through deltas that do not tell it", () => {
  const { one } = world();
  one.applyDelta(delta(101, { last_input_seq: 7 }));
  one.applyDelta(delta(102));
  assert.equal(one.lastInputSeq, 7);
});

test("the pause at the dock is told in the pilot's seconds, longer while time is slow", () => {
  const { one } = world();
  one.applySnapshot(snapshot({ you: you({ dock_ready_tick: 160 }) }));
  near(one.dockPauseSeconds, 2, "at full speed");
  one.applyDelta(delta(100, { time_dilation: 0.5 }));
  near(one.dockPauseSeconds, 4, "at half speed");
  one.applyDelta(delta(160));
  assert.equal(one.dockPauseSeconds, 0);
});

test("a snapshot that tells of no pause ends it", () => {
  const { one } = world();
  one.applySnapshot(snapshot({ you: you({ dock_ready_tick: 160 }) }));
  one.applySnapshot(snapshot({ tick: 101 }));
  assert.equal(one.dockPauseSeconds, 0);
});

test("fixtures are new only when they changed", () => {
  const { one } = world();
  const zone = {
    zone_id: "z",
    zone_type: "belt",
    center: { x: 0, y: 0 },
    radius: 10,
    risk_level: 0,
    security_level: 0,
    profit_multiplier: 1,
    pvp_allowed: true,
  };
  one.applySnapshot(snapshot({ zones: [zone] }));
  const version = one.fixturesVersion;
  one.applySnapshot(snapshot({ tick: 101, zones: [{ ...zone }] }));
  assert.equal(one.fixturesVersion, version);
  one.applySnapshot(snapshot({ tick: 102, zones: [{ ...zone, radius: 11 }] }));
  assert.equal(one.fixturesVersion, version + 1);
});

test("a join forgets who was in view, and another system's fixtures", () => {
  const { one } = world();
  one.applySnapshot(snapshot({ entities: [row("a")], markets: [{ station_id: "earth", prices: [] }] }));
  one.join(joined({ chart: undefined }));
  assert.equal(one.entities.size, 0);
  assert.equal(one.stations.size, 2);
  assert.equal(one.markets.size, 1);
  one.join(joined({ system_id: "alpha-centauri", chart: undefined }));
  assert.equal(one.stations.size, 0);
  assert.equal(one.markets.size, 0);
  assert.equal(one.systemName, "Alpha Centauri");
});

test("a join without flight constants flies like the reference ship", () => {
  const { one } = world({ flight: undefined });
  assert.equal(one.flight.thrust_accel, 120);
});

test("a station that the join left out is remembered from its first sight", () => {
  const { one } = world();
  one.applySnapshot(snapshot({ entities: [row("venus", { kind: "station", x: 10 }), row("earth", { kind: "station", x: 1 })] }));
  one.applyDelta(delta(101, { entity_removed: ["venus"] }));
  one.sample(101, 101);
  assert.equal(one.stations.get("venus")?.x, 10);
  assert.equal(one.stations.get("earth")?.name, "EARTH", "and a described one keeps its description");
});

test("the nearest station is the nearest one", () => {
  const { one } = world();
  assert.equal(one.nearestStation({ x: 900, y: 0 })?.station.station_id, "earth");
  const found = one.nearestStation({ x: 0, y: 300 });
  assert.equal(found?.station.station_id, "mars");
  near(found?.away ?? 0, 500, "distance");
  one.stations.clear();
  assert.equal(one.nearestStation({ x: 0, y: 0 }), null);
});

test("the best buyer is where one kind of goods in the hold fetches most in all", () => {
  const { one } = world();
  const prices = (/** @type {number} */ iron, /** @type {number} */ spice) => [
    { commodity_id: "iron_ore", buy: 1, sell: iron, stock: 9 },
    { commodity_id: "spice", buy: 1, sell: spice, stock: 9 },
  ];
  one.applySnapshot(
    snapshot({
      you: you({ cargo: [{ commodity_id: "iron_ore", qty: 10 }, { commodity_id: "spice", qty: 1 }] }),
      markets: [
        { station_id: "earth", prices: prices(5, 45) },
        { station_id: "mars", prices: prices(6, 40) },
      ],
    }),
  );
  one.findBuyer();
  assert.deepEqual(one.bestBuyer, { stationId: "mars", goods: "Iron ore" });
  one.applyDelta(delta(101, { you: { cargo: [] } }));
  one.findBuyer();
  assert.equal(one.bestBuyer, null);
});

test("goods that the join did not name go by their id", () => {
  const { one } = world();
  assert.equal(one.goodsName("iron_ore"), "Iron ore");
  assert.equal(one.goodsName("medical_supplies"), "Medical Supplies");
});

test("the chart says how large the system is and how fast shots are", () => {
  const { one } = world({ chart: { ...joined().chart, half_extent: 7000, stations: [station("venus", 1)] } });
  assert.equal(one.halfExtent, 7000);
  assert.equal(one.muzzleSpeed, 500);
  assert.deepEqual([...one.stations.keys()], ["venus"]);
});
