// One story at one moment: the pair, the switch and the client above; who held the address and who
// answered below.  Draws one answer of lost_cable.story.

import { make } from "@panel/dom.js";
import { linear } from "@site/explore/scale.js";

const TRAVEL = 0.5;       // s that a frame is drawn on its way, slower than it is
const HOSTS = ["web1", "web2"];

// -- what is so at a moment; nothing here draws ------------------------------------------------------

export const holders = (story, t) => HOSTS.filter((h) => story.hosts[h].held.some(([from, to]) => from <= t && (t < to || to === story.end)));

/** [since, state, reason] of a host at `t`. */
export const stateOf = (story, host, t) => story.hosts[host].states.filter(([at], n) => n === 0 || at <= t).at(-1);

/** Who answers the client at `t`: a host, or null. */
export const answerer = (story, t) => (story.service.find(([from, to]) => from <= t && t < to) ?? story.service.at(-1))[2];

export const broken = (story, t) => story.broken <= t && t < story.repaired;

/** The moments at which something changes in any of the stories, in order. */
export function events(stories) {
  const times = stories.flatMap((s) => [s.broken, s.repaired, ...HOSTS.flatMap((h) => s.hosts[h].states.map(([t]) => t))]);
  return [...new Set(times.filter((t) => t > 0).map((t) => Math.ceil(t * 10) / 10))].sort((a, b) => a - b);
}

/** Advertisements on their way at `t`: {from, part 0..1, arrives}. */
export function flying(story, t) {
  return story.adverts.filter(([at]) => at <= t && t < at + TRAVEL).map(([at, from]) => {
    const to = from === "web1" ? "web2" : "web1";
    const arrives = story.received.some(([then, host]) => host === to && Math.abs(then - at) < 0.05);
    return { from, to, part: (t - at) / TRAVEL, arrives };
  });
}

// -- drawing ---------------------------------------------------------------------------------------

const text = (cls, x, y, words) => make("text", { class: cls, x, y }, words);

export function figure(width, story, t, still) {
  const node = make("svg", { viewBox: `0 0 ${width} 372`, role: "img", "aria-label": describe(story, t) });
  node.append(make("defs", {}, make("pattern", { id: "two", width: 9, height: 9, patternUnits: "userSpaceOnUse" }, make("path", { class: "stripe", d: "M-2,11 L11,-2" }))));
  node.append(...network(width, story, t), ...(still ? [] : frames(width, story, t)), ...lanes(width, story, t));
  return node;
}

function places(width) {
  const w = Math.min(150, (width - 20) / 2), one = w / 2 + 1, two = width - w / 2 - 1;
  return { w, one, two, middle: width / 2, top: 34, box: 62, bar: 150, client: 208 };
}

function network(width, story, t) {
  const p = places(width), holds = holders(story, t), cut = broken(story, t), parts = [];
  /** @type {[number, string, number][]} */
  const ends = [[p.one, "web1", 1], [p.two, "web2", 2]];
  for (const [x, host, n] of ends) {
    const [, state] = stateOf(story, host, t), has = holds.includes(host);
    parts.push(make("line", { class: `wire${cut && n === 1 ? " broken" : ""}`, x1: x, x2: x, y1: p.top + p.box, y2: p.bar }));
    const group = make("g", { class: `host-${n}` }, make("rect", { class: `box${has ? " holds" : ""}${state === "FAULT" ? " fault" : ""}`, x: x - p.w / 2, y: p.top, width: p.w, height: p.box, rx: 8 }),
      text(has ? "on" : "strong", x - p.w / 2 + 12, p.top + 25, host), text(has ? "on" : "", x - p.w / 2 + 12, p.top + 46, `${{ MASTER: "●", BACKUP: "○", FAULT: "✕" }[state] ?? "…"} ${state}`));
    parts.push(group);
    if (has) parts.push(...vip(x, 16, "192.168.1.10", holds.length > 1 ? "two" : ""));
  }
  parts.push(make("rect", { class: "switch", x: 1, y: p.bar, width: width - 2, height: 22, rx: 5 }), text("soft small middle", p.middle, p.bar + 15, "switch"),
    make("line", { class: "wire", x1: p.middle, x2: p.middle, y1: p.bar + 22, y2: p.client }));
  if (!holds.length) parts.push(...vip(p.middle, 122, "nobody", "none"));
  const by = answerer(story, t), words = by ? `client: answered by ${by}` : "client: no answer";
  parts.push(make("g", {}, make("rect", { class: "box", x: p.middle - 96, y: p.client, width: 192, height: 30, rx: 6 }), text(`middle ${by ? "" : "bad"}`, p.middle, p.client + 20, words)));
  if (cut) parts.push(...breach(story, p));
  return parts;
}

function vip(x, y, words, cls) {
  return [make("rect", { class: `vip ${cls}`, x: x - 54, y: y - 12, width: 108, height: 24, rx: 12 }), text("ip", x, y + 4, words)];
}

// The sign of the break: no carrier, a cut further away, or one direction.
function breach(story, p) {
  const x = p.one, y = (p.top + p.box + p.bar) / 2;
  if (story.way === "pulled") return [make("path", { class: "break", d: `M${x - 8},${y - 8} l16,16 m0,-16 l-16,16` }), text("small bad", x + 14, y + 5, "no carrier")];
  if (story.way === "cut") return [make("path", { class: "break", d: `M${x - 10},${y + 2} l20,-8 M${x - 10},${y + 9} l20,-8` }), text("small bad", x + 14, y + 5, "carrier, no path")];
  const up = story.way === "nothing-leaves";
  const arrow = up ? `M${x},${y + 14} v-26 m-7,8 l7,-8 l7,8` : `M${x},${y - 14} v26 m-7,-8 l7,8 l7,-8`;
  return [make("path", { class: "break", d: arrow }), text("small bad", x + 14, y + 5, up ? "only to web1" : "only from web1")];
}

function frames(width, story, t) {
  const p = places(width);
  return flying(story, t).map(({ from, to, part, arrives }) => {
    const [a, b] = from === "web1" ? [p.one, p.two] : [p.two, p.one], high = p.top + p.box, low = p.bar + 11;
    const stopped = !arrives && part > (from === "web1" ? 0.17 : 0.83), at = arrives ? part : Math.min(part, from === "web1" ? 0.17 : 0.83);
    const x = at < 1 / 3 ? a : at < 2 / 3 ? a + (b - a) * (at * 3 - 1) : b;
    const y = at < 1 / 3 ? high + (low - high) * at * 3 : at < 2 / 3 ? low : low - (low - high) * (at * 3 - 2);
    if (stopped) return make("path", { class: "lost", d: `M${x - 6},${y - 6} l12,12 m0,-12 l-12,12` });
    return make("g", { class: from === "web1" ? "host-1" : "host-2" }, make("circle", { class: "frame", cx: x, cy: y, r: 7 }));
  });
}

function lanes(width, story, t) {
  const left = 48, x = linear([0, story.end], [left, width - 4]), top = 262, step = 27, parts = [];
  [...HOSTS, "client"].forEach((name, n) => {
    const y = top + n * step;
    parts.push(text("small strong", 0, y + 14, name), make("rect", { class: "lane", x: left, y, width: width - 4 - left, height: 20, rx: 2 }));
  });
  const bar = (cls, from, to, y, high = 20) => parts.push(make("rect", { class: cls, x: x(from), y, width: Math.max(1, x(to) - x(from)), height: high }));
  HOSTS.forEach((host, n) => {
    for (const [from, to] of story.hosts[host].held) parts.push(make("g", { class: `host-${n + 1}` }, make("rect", { class: "held", x: x(from), y: top + n * step, width: Math.max(1, x(to) - x(from)), height: 20 })));
  });
  for (const [from, to] of together(story)) for (const n of [0, 1]) bar("both", from, to, top + n * step);
  for (const [from, to, by] of story.service) {
    if (by === null) bar("silent", from, to, top + 2 * step);
    else parts.push(make("g", { class: by === "web1" ? "host-1" : "host-2" }, make("rect", { class: "held", x: x(from), y: top + 2 * step + 6, width: Math.max(1, x(to) - x(from)), height: 8 })));
  }
  for (const at of [story.broken, story.repaired]) parts.push(make("line", { class: "event", x1: x(at), x2: x(at), y1: top - 6, y2: top + 3 * step - 6 }));
  parts.push(make("line", { class: "cursor", x1: x(t), x2: x(t), y1: top - 8, y2: top + 3 * step - 4 }));
  for (const second of [0, 6, 12, 18]) parts.push(text(`soft small ${second === 18 ? "end" : "middle"}`, x(second), top + 3 * step + 12, second ? String(second) : "0 s"));
  return parts;
}

/** [from, to] of each stretch in which both held the address, handovers left out. */
export function together(story) {
  const [one, two] = HOSTS.map((h) => story.hosts[h].held);
  return one.flatMap(([a, b]) => two.map(([c, d]) => [Math.max(a, c), Math.min(b, d)])).filter(([from, to]) => to - from > 0.05);
}

/** What the figure shows, for who cannot see it. */
export function describe(story, t) {
  const holds = holders(story, t), states = HOSTS.map((h) => `${h} ${stateOf(story, h, t)[1]}`).join(", ");
  const by = answerer(story, t);
  return `${states}; ${holds.length ? holds.join(" and ") : "nobody"} holds the address; the client is ${by ? `answered by ${by}` : "not answered"}`;
}
