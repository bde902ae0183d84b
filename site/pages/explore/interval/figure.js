// Two panels over one axis of intervals: the outage after a failure, and false takeovers a day.
// Draws answers of interval_risk.runs, as many as there are so far.

import { make } from "@panel/dom.js";
import { count, decades, duration, logarithmic, points } from "@site/explore/scale.js";

const UPPER = 170, LOWER = 170, SLOTS = 260;       // px; 1000 runs are drawn as a cloud
const MOST = 100_000, LEAST = 1;                  // false takeovers a day on the axis

export function layout(width, intervals) {
  const narrow = width < 620, left = narrow ? 46 : 66, right = narrow ? 14 : 26;
  const x = logarithmic([intervals[0] * 0.85, intervals.at(-1) * 1.18], [left, width - right]);
  const upper = 58, lower = upper + UPPER + 66, none = lower + LOWER + 26;
  return { narrow, left, right, width, x, upper, lower, none, height: none + 52,
    outage: logarithmic([0.005, 12], [upper + UPPER, upper]), alarms: logarithmic([LEAST, MOST], [lower + LOWER, lower]) };
}

/** The interval that is nearest to the place `at` (px). */
export function nearest(layout, intervals, at) {
  const gaps = intervals.map((one) => Math.abs(layout.x(one) - at));
  return gaps.indexOf(Math.min(...gaps));
}

export function figure(width, intervals, answers, chosen) {
  const at = layout(width, intervals);
  const node = make("svg", { viewBox: `0 0 ${width} ${at.height}`, role: "img", "aria-labelledby": "reading" });
  const there = intervals.map((one) => answers.get(one)).filter(Boolean);
  node.append(...marker(at, intervals[chosen]), ...axes(at, intervals), ...outages(at, there, answers.get(intervals[chosen])), ...alarms(at, there, intervals[chosen]));
  return { node, at };
}

const text = (cls, x, y, words) => make("text", { class: cls, x, y }, words);

function marker(at, interval) {
  const place = at.x(interval), words = duration(interval);
  const shift = Math.max(-place + 30, Math.min(0, at.width - 30 - place));
  return [make("rect", { class: "chosen", x: place - 17, y: 28, width: 34, height: at.none - 14, rx: 6 }),
    make("line", { class: "marker", x1: place, x2: place, y1: 26, y2: at.none + 16 }),
    make("circle", { class: "knob", cx: place, cy: 20, r: 9 }),
    text(place > at.width / 2 ? "strong end" : "strong", place + shift + (place > at.width / 2 ? -16 : 16), 25, words)];
}

function axes(at, intervals) {
  const parts = [text("lead-in", at.left, at.upper - 10, at.narrow ? "outage" : "outage after a failure"),
    text("lead-in", at.left, at.lower - 12, at.narrow ? "false takeovers a day" : "false takeovers a day, while web1 is alive")];
  const line = (y) => parts.push(make("line", { class: "rule dotted", x1: at.left, x2: at.width - at.right, y1: y, y2: y }));
  for (const value of decades(0.01, 10)) {
    line(at.outage(value));
    parts.push(text("soft small end", at.left - 7, at.outage(value) + 4, duration(value)));
  }
  for (const value of decades(LEAST, MOST)) {
    line(at.alarms(value));
    const short = at.narrow && value >= 1000 ? `${value / 1000}k` : count(value);
    parts.push(text("soft small end", at.left - 7, at.alarms(value) + 4, short));
  }
  line(at.none);
  parts.push(text("soft small end", at.left - 7, at.none + 4, "none"));
  const labels = at.narrow ? [0.01, 0.1, 1] : intervals;
  for (const one of labels) parts.push(text("soft small middle", at.x(one), at.none + 30, duration(one)));
  parts.push(text("soft small end", at.width - at.right, at.none + 48, "Advertisement interval"));
  return parts;
}

function outages(at, there, chosen) {
  if (!there.length) return [];
  const edge = (key) => there.map((one) => [at.x(one.interval), at.outage(Math.max(0.005, one[key]))]);
  const parts = [make("polygon", { class: "band", points: points([...edge("high"), ...edge("low").reverse()]) }),
    make("polyline", { class: "median", points: points(edge("median")) })];
  if (chosen) {
    const cloud = chosen.outages.filter((one) => one >= 0.005).slice(0, 1000).map((one, n) => {
      const x = at.x(chosen.interval) + ((n * 89) % SLOTS / SLOTS - 0.5) * 30, y = at.outage(one);
      return `M${x.toFixed(1)},${y.toFixed(1)}h2v2h-2z`;
    });
    parts.push(make("path", { class: "run", d: cloud.join("") }));
  }
  for (const one of there) parts.push(make("circle", { class: "point", cx: at.x(one.interval), cy: at.outage(one.median), r: one === chosen ? 6.5 : 4 }));
  return parts;
}

function alarms(at, there, chosen) {
  const parts = [];
  const some = there.filter((one) => one.false);
  const place = (one) => [at.x(one.interval), one.false ? at.alarms(Math.min(MOST, Math.max(LEAST, one.per_day))) : at.none];
  parts.push(make("polyline", { class: "alarms", points: points(some.map(place)) }));
  for (const one of there) {
    const [cx, cy] = place(one), r = one.interval === chosen ? 8 : 5.5;
    parts.push(one.false ? make("path", { class: "alarm", d: `M${cx},${cy - r - 1} l${r + 1},${2 * r} h${-2 * r - 2} z` }) : make("circle", { class: "never", cx, cy, r }));
  }
  return parts;
}
