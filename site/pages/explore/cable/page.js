// Three ways to lose a cable, in lockstep: one time for three stories.

import { make, say } from "@panel/dom.js";
import { by } from "@site/by.js";
import { Explorable, onWidth } from "@site/explore/page.js";
import { answerer, events, figure, holders, stateOf } from "./figure.js";

const TITLES = { pulled: "The cable is pulled", cut: "The path is cut further away",
  "nothing-leaves": "One way: nothing leaves web1", "nothing-arrives": "One way: nothing reaches web1" };
const END = 18, SPEED = 1.5;      // s of the stories a second
const box = by("figure"), button = by("play");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const stories = new Map();
let columns = [], running = false, before = 0;

const page = new Explorable({ time: 8, oneway: "nothing-leaves" }, update);

function ways() {
  return ["pulled", "cut", page.state.oneway in TITLES ? page.state.oneway : "nothing-leaves"];
}

async function load() {
  for (const way of ways()) {
    if (stories.has(way)) continue;
    try {
      stories.set(way, await page.python.call("lost_cable.story", { way }));
    } catch (error) {
      page.report(error.message, true);
      return;
    }
  }
  update(page.state);
}

function update(state) {
  page.label("time", `${state.time.toFixed(1)} s`, `${state.time.toFixed(1)} seconds`);
  if (ways().some((way) => !stories.has(way))) { if (state.oneway) load(); return; }
  draw();
}

function column() {
  const parts = { title: make("h2"), picture: make("div"), now: make("p", { class: "now" }), sums: make("dl") };
  parts.node = make("section", { class: "story" }, parts.title, parts.picture, parts.now, parts.sums);
  return parts;
}

function draw() {
  if (!box.clientWidth || ways().some((way) => !stories.has(way))) return;
  if (!columns.length) {
    columns = ways().map(column);
    box.replaceChildren(...columns.map((c) => c.node));
  }
  const t = page.state.time;
  ways().forEach((way, n) => {
    const story = stories.get(way), { title, picture, now, sums } = columns[n];
    say(title, TITLES[way]);
    picture.replaceChildren(figure(picture.clientWidth, story, t, calm.matches));
    say(now, reason(story, t));
    const sum = (words, value) => [make("dt", {}, words), make("dd", { class: value ? "wrong" : "" }, `${value.toFixed(1)} s`)];
    sums.replaceChildren(...sum("nobody held the address", story.nobody), ...sum("both held it", story.both), ...sum("the client had no answer", story.unanswered));
  });
  const line = sentence(t);
  if (!running) page.say(line);
  else say(by("reading"), line);
}

// The last change of a state up to now, in the daemon's own words.
function reason(story, t) {
  const changes = ["web1", "web2"].flatMap((host) => story.hosts[host].states.filter(([at], n) => n > 0 && at <= t).map(([at, state, why]) => ({ at, host, state, why })));
  const last = changes.sort((a, b) => a.at - b.at).at(-1);
  if (last) return `${last.at.toFixed(1)} s: ${last.host} becomes ${last.state}: ${last.why}`;
  return t < story.broken ? "Everything works." : "No router has noticed anything.";
}

function sentence(t) {
  const told = ways().map((way) => stories.get(way)), [pulled] = told;
  if (t < pulled.broken) return `${t.toFixed(1)} s: everything works; web1 holds the address in all three.`;
  const words = told.map((story, n) => {
    const name = ["Pulled", "Cut", "One way"][n], holds = holders(story, t), by = answerer(story, t);
    const held = holds.length ? `${holds.join(" and ")} ${holds.length > 1 ? "both hold" : "holds"}` : "nobody holds";
    return `${name}: ${held} the address, ${by ? `${by} answers` : "no answer"}.`;
  });
  return `${t.toFixed(1)} s. ${words.join(" ")}`;
}

// -- time passes -----------------------------------------------------------------------------------

function stop() {
  running = false;
  say(button, "Play");
  draw();
}

function tick(ms) {
  if (!running) return;
  const passed = Math.min(0.1, (ms - before) / 1000) * SPEED;
  before = ms;
  page.state.time = Math.min(END, page.state.time + passed);
  page.show();
  page.label("time", `${page.state.time.toFixed(1)} s`);
  draw();
  if (page.state.time >= END) { page.set({ time: END }); stop(); } else requestAnimationFrame(tick);
}

button.addEventListener("click", () => {
  if (running) { stop(); page.set({ time: Math.round(page.state.time * 10) / 10 }); return; }
  if (page.state.time >= END) page.state.time = 0;
  running = true;
  before = performance.now();
  say(button, "Pause");
  requestAnimationFrame(tick);
});

by("next").addEventListener("click", () => {
  if (running) stop();
  const all = ways().map((way) => stories.get(way)).filter(Boolean);
  page.set({ time: events(all).find((at) => at > page.state.time + 0.01) ?? 0 });
});

by("time").addEventListener("input", () => { if (running) stop(); });
onWidth(box, draw);
page.first().then((all) => {
  for (const story of all ?? []) if (!stories.has(story.way)) stories.set(story.way, story);
  draw();
});
update(page.state);
