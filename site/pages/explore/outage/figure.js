// The figure: web1's Advertisements, web2's timer below them, and the outage as a function of the
// moment, all on one axis of time.  It draws one answer of takeover_moment.takeover.

import { make } from "@panel/dom.js";
import { duration, linear, points } from "@site/explore/scale.js";

const LANE = 34, TIMER = 112, CURVE = 96;

/** Where things are for a figure of this width; `narrow` has no room for names beside the lanes. */
export function layout(width, found, interval) {
  const narrow = width < 620, left = narrow ? 34 : 104, right = narrow ? 8 : 20;
  const end = Math.max(3 * interval + found.most, found.taken) + 0.35 * interval;
  const x = linear([-0.15 * interval, end], [left, width - right]);
  const gap = narrow ? 20 : 0;
  const one = 62 + gap, nobody = one + LANE + 8, two = nobody + LANE + 8 + gap;
  const timer = two + LANE + 44, curve = timer + TIMER + 62;
  return { narrow, left, right, width, x, one, nobody, two, timer, curve, height: curve + CURVE + 44 };
}

export function figure(width, found, interval, ending) {
  const at = layout(width, found, interval);
  const node = make("svg", { viewBox: `0 0 ${width} ${at.height}`, role: "img", "aria-labelledby": "reading" });
  node.append(...hatching(), ...lanes(at, found), ...timer(at, found, interval), ...curve(at, found, interval), ...pull(at, found, ending));
  return { node, at };
}

const text = (cls, x, y, words) => make("text", { class: cls, x, y }, words);

function hatching() {
  const line = make("path", { class: "hatch", d: "M-2,2 l4,-4 M0,8 l8,-8 M6,10 l4,-4" });
  return [make("defs", {}, make("pattern", { id: "hatch", width: 8, height: 8, patternUnits: "userSpaceOnUse" }, line))];
}

function lanes(at, found) {
  const { x, one, two, nobody, left, narrow } = at, parts = [];
  const name = (y, words) => parts.push(narrow ? text("strong small", left, y - (words === "web1" ? 25 : 6), words) : text("strong", 0, y + LANE / 2 + 5, words));
  name(one, "web1");
  name(two, "web2");
  const bar = (host, from, to, y, words) => {
    parts.push(make("rect", { class: `held host-${host}`, x: from, y, width: Math.max(0, to - from), height: LANE, rx: 3 }));
    if (to - from > 76) parts.push(make("g", { class: `host-${host}` }, text("on", from + 10, y + LANE / 2 + 5, words)));
  };
  bar(1, x(found.adverts[0] - 0.15), x(found.lost), one, "MASTER");
  bar(2, x(found.taken), at.width - at.right, two, "MASTER");
  if (!narrow) parts.push(text("soft small", 0, one - 8, "Advertisement"));
  for (const t of found.adverts) parts.push(make("circle", { class: "sent", cx: x(t), cy: one - 12, r: 5 }));
  const from = x(found.lost), to = x(found.taken), wide = to - from;
  parts.push(make("rect", { class: "nobody", x: from, y: nobody, width: wide, height: LANE, rx: 3 }));
  const words = `nobody: ${duration(found.outage)}`, fits = wide > words.length * 7.4 + 14;
  parts.push(text(`bad ${fits ? "middle" : ""}`, fits ? from + wide / 2 : to + 8, nobody + LANE / 2 + 5, words));
  return parts;
}

function timer(at, found, interval) {
  const { x, timer: top, left, narrow } = at, y = linear([0, found.master_down], [top + TIMER, top]);
  const parts = [];
  parts.push(make("line", { class: "rule", x1: left, x2: at.width - at.right, y1: y(0), y2: y(0) }));
  const saw = [];
  const heard = found.adverts.filter((t) => t <= found.counted_from);
  const restarts = found.counted_from > heard.at(-1) ? [...heard, found.counted_from] : heard;
  restarts.forEach((t, n) => {
    const next = restarts[n + 1] ?? found.taken, last = n === restarts.length - 1;
    const start = last ? found.taken - found.counted_from : found.master_down;
    saw.push([x(t), y(start)], [x(next), y(last ? 0 : start - (next - t))]);
  });
  parts.push(make("polyline", { class: "under", points: points([[saw[0][0], y(0)], ...saw, [saw.at(-1)[0], y(0)]]) }));
  parts.push(make("polyline", { class: "saw", points: points(saw) }));
  for (const t of found.adverts) parts.push(make("line", { class: "drop", x1: x(t), x2: x(t), y1: at.one - 6, y2: y(found.master_down) }));
  parts.push(make("line", { class: "drop", x1: x(found.taken), x2: x(found.taken), y1: at.two + LANE, y2: y(0) }));
  parts.push(text("strong small", left, top - 22, "web2's Master_Down_Timer, seconds left"));
  parts.push(text("soft small end", left - 6, y(found.master_down) + 4, narrow ? found.master_down.toFixed(1) : found.master_down.toFixed(3)), text("soft small end", left - 6, y(0) + 4, "0"));
  return [...parts, ...brace(at, found, interval, y)];
}

// What the timer was set to, from the last Advertisement to the takeover.
function brace(at, found, interval, y) {
  const from = at.x(found.counted_from), to = at.x(found.taken), low = y(0) + 8, middle = (from + to) / 2;
  const d = `M${from},${low} v6 H${to} v-6`;
  const wait = found.taken - found.counted_from;
  const whole = wait < found.master_down ? `Skew_Time ${wait.toFixed(3)} s`
    : `${found.master_down.toFixed(3)} s = 3 × ${interval} s + ${found.skew.toFixed(3)} s`;
  const half = whole.length * 3.6, place = Math.min(Math.max(middle, at.left + half), at.width - at.right - half);
  return [make("path", { class: "brace", d }), text("middle strong small", place, low + 22, whole)];
}

function curve(at, found, interval) {
  const { x, curve: top, left, narrow } = at, low = Math.max(0, Math.min(found.least, found.most - interval) - 0.3 * interval);
  const y = linear([low, found.most], [top + CURVE, top]);
  const parts = [text("strong small", left, top - 14, narrow ? "outage for each moment" : "the outage for each moment of the pull")];
  for (const [value, words] of [[found.most, found.most], [found.least, found.least]]) {
    parts.push(make("line", { class: "rule dotted", x1: left, x2: x(3 * interval), y1: y(value), y2: y(value) }),
      text("soft small end", left - 6, y(value) + 4, narrow ? words.toFixed(1) : `${words.toFixed(3)}`));
  }
  for (let n = 0; n < found.profile.length; n += 2) {
    parts.push(make("polyline", { class: "profile", points: points(found.profile.slice(n, n + 2).map(([t, o]) => [x(t), y(o)])) }));
  }
  parts.push(make("line", { class: "pull", x1: x(found.lost), x2: x(found.lost), y1: at.one - 22, y2: y(found.outage) }));
  parts.push(make("circle", { class: "dot", cx: x(found.lost), cy: y(found.outage), r: 7 }));
  const beside = text(`bad number ${narrow ? "end" : ""}`, narrow ? at.width - at.right : x(3 * interval) + 24, y((found.most + found.least) / 2) + 8, `${found.outage.toFixed(2)} s`);
  parts.push(beside);
  const base = top + CURVE + 8;
  parts.push(make("g", { class: "axis" }, make("line", { x1: left, x2: at.width - at.right, y1: base, y2: base })));
  for (let n = 0; n * interval < x.back(at.width - at.right); n += 1) {
    parts.push(text("soft small middle", x(n * interval), base + 17, n === 0 ? "0 s" : `${n * interval}`));
  }
  return parts;
}

function pull(at, found, ending) {
  const place = at.x(found.lost), words = ending === "stopped" ? "daemon stopped" : "cable pulled";
  const late = place > at.width - 120;
  const parts = [make("circle", { class: "knob", cx: place, cy: 20, r: 10 }),
    make("line", { class: "pull", x1: place, x2: place, y1: 30, y2: at.one - 20 }),
    text(`bad${late ? " end" : ""}`, place + (late ? -16 : 16), 25, words)];
  if (ending === "stopped") parts.push(make("circle", { class: "bye", cx: place, cy: at.one - 12, r: 5 }));
  return parts;
}
