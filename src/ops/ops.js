// Reads /metrics once a second and shows rates, gauges and the last two minutes of each figure.
// @ts-check

const HISTORY_SECONDS = 120;

/** @typedef {{name: string, labels: Record<string, string>, value: number}} Sample */

/** @param {string} text @returns {Sample[]} */
function parse(text) {
  const samples = [];
  for (const line of text.split("\n")) {
    const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!match) continue;
    const labels = Object.fromEntries(
      [...(match[2] ?? "").matchAll(/([a-z_]+)="([^"]*)"/g)].map((pair) => [pair[1], pair[2]]),
    );
    samples.push({ name: match[1], labels, value: Number(match[3]) });
  }
  return samples;
}

/** @param {Sample[]} samples @param {string} name */
const total = (samples, name) =>
  samples.filter((sample) => sample.name === name).reduce((sum, sample) => sum + sample.value, 0);

/** Mean of a histogram between two readings. @param {Sample[]} now @param {Sample[]} before @param {string} name */
function mean(now, before, name) {
  const count = total(now, `${name}_count`) - total(before, `${name}_count`);
  return count > 0 ? (total(now, `${name}_sum`) - total(before, `${name}_sum`)) / count : 0;
}

/** @param {number} bytes */
const bytesText = (bytes) =>
  bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : bytes >= 1e3 ? `${(bytes / 1e3).toFixed(1)} kB` : `${bytes.toFixed(0)} B`;
/** @param {number} seconds */
const millisecondsText = (seconds) => `${(seconds * 1e3).toFixed(2)} ms`;
/** @param {number} value */
const plainText = (value) => value.toFixed(0);

/** @type {{title: string, text: (value: number) => string, bad?: (value: number) => boolean,
 *   read: (now: Sample[], before: Sample[], seconds: number) => number}[]} */
const FIGURES = [
  { title: "connections", text: plainText, read: (now) => total(now, "orrery_connections") },
  { title: "pilots", text: plainText, read: (now) => total(now, "orrery_pilots") },
  { title: "entities", text: plainText, read: (now) => total(now, "orrery_entities") },
  {
    title: "ticks a second", text: (value) => value.toFixed(1), bad: (value) => value < 29.5,
    read: (now, before, seconds) => (total(now, "orrery_ticks_total") - total(before, "orrery_ticks_total")) / seconds,
  },
  {
    title: "work of a tick", text: millisecondsText, bad: (value) => value > 0.02,
    read: (now, before) => mean(now, before, "orrery_tick_seconds"),
  },
  {
    title: "lateness of a tick", text: millisecondsText, bad: (value) => value > 0.005,
    read: (now, before) => mean(now, before, "orrery_tick_lateness_seconds"),
  },
  {
    title: "sent a second", text: bytesText,
    read: (now, before, seconds) => (total(now, "orrery_sent_bytes_total") - total(before, "orrery_sent_bytes_total")) / seconds,
  },
  {
    title: "messages in a second", text: plainText,
    read: (now, before, seconds) =>
      (total(now, "orrery_messages_received_total") - total(before, "orrery_messages_received_total")) / seconds,
  },
  {
    title: "until a batch is durable", text: millisecondsText, bad: (value) => value > 0.05,
    read: (now, before) => mean(now, before, "orrery_commit_seconds"),
  },
];

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const cards = FIGURES.map((figure) => {
  const card = document.createElement("div");
  card.className = "figure";
  card.innerHTML = '<span></span><b>–</b><svg viewBox="0 0 120 30" preserveAspectRatio="none" aria-hidden="true"><polyline/></svg>';
  /** @type {HTMLElement} */ (card.querySelector("span")).textContent = figure.title;
  place("figures").append(card);
  return { card, history: /** @type {number[]} */ ([]) };
});

/** @param {Sample[]} now @param {Sample[]} before @param {number} seconds */
function showFigures(now, before, seconds) {
  FIGURES.forEach((figure, index) => {
    const { card, history } = cards[index];
    const value = figure.read(now, before, seconds);
    history.push(value);
    if (history.length > HISTORY_SECONDS) history.shift();
    const number = /** @type {HTMLElement} */ (card.querySelector("b"));
    number.textContent = figure.text(value);
    number.className = figure.bad?.(value) ? "bad" : "";
    const top = Math.max(...history, 1e-9);
    const points = history.map((entry, at) => `${HISTORY_SECONDS - history.length + at},${29 - (entry / top) * 27}`);
    card.querySelector("polyline")?.setAttribute("points", points.join(" "));
  });
}

/** @param {string} id @param {string[][]} rows */
function showRows(id, rows) {
  place(id).replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
    return row;
  }));
}

/** @param {Sample[]} now */
function showSystems(now) {
  const systems = [...new Set(now.flatMap((sample) => sample.labels.system ?? []))].sort();
  showRows("systems", systems.map((system) => {
    const of = (/** @type {string} */ name) => total(now.filter((sample) => sample.labels.system === system), name);
    return [
      system, plainText(of("orrery_pilots")), plainText(of("orrery_entities")),
      of("orrery_time_dilation").toFixed(2), plainText(of("orrery_overload_level")), bytesText(of("orrery_frame_bytes_max")),
    ];
  }));
}

/** @param {Sample[]} now */
function showTroubles(now) {
  const troubles = now.filter((sample) => /^orrery_(errors|closes)_total$/.test(sample.name) && sample.value > 0);
  showRows("troubles", troubles.map((sample) => [
    `${sample.name === "orrery_errors_total" ? "error" : "close"} ${sample.labels.kind}`, plainText(sample.value),
  ]));
}

/** @type {{samples: Sample[], at: number} | null} */
let last = null;

async function read() {
  try {
    const response = await fetch("/metrics", { cache: "no-store" });
    const samples = parse(await response.text());
    const at = performance.now();
    if (last) showFigures(samples, last.samples, (at - last.at) / 1e3);
    showSystems(samples);
    showTroubles(samples);
    last = { samples, at };
    place("state").textContent = "live";
    place("state").className = "";
  } catch (error) {
    place("state").textContent = `no answer: ${error instanceof Error ? error.message : error}`;
    place("state").className = "bad";
  }
  setTimeout(read, 1000);
}

read();
