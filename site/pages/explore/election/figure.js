// One bar for each router: three intervals, the same for all, and its Skew_Time.  The bars end where
// the first timer expires.  Draws one answer of election.result.

import { make } from "@panel/dom.js";
import { linear } from "@site/explore/scale.js";

const HIGH = 46, BAR = 26;
export const ADDRESS = "192.168.1.10";

/** Scales of a bar of this width: the part that is the same for all is drawn shorter than it is. */
export function layout(width) {
  const narrow = width < 520, left = narrow ? 74 : 130;
  return { narrow, width, left, x: linear([3, 4], [left, width - (narrow ? 12 : 24)]) };
}

/** When the first timer expires, in seconds after the start; null if nobody takes part. */
export function decided(found) {
  const times = found.routers.flatMap((router) => router.held.map(([from]) => from));
  return times.length ? Math.min(...times) : null;
}

export function bar(width, found, number) {
  const { x, left, narrow } = layout(width), router = found.routers[number], first = decided(found), at = first ?? 0;
  const node = make("svg", { class: `bar host-${number + 1}`, viewBox: `0 0 ${width} ${HIGH}`, "aria-hidden": "true" });
  const text = (cls, place, y, words) => make("text", { class: cls, x: place, y }, words);
  if (!router.taking_part) {
    node.append(text("soft", 0, 28, "takes no part"));
    return node;
  }
  const end = Math.min(router.master_down, first ?? 9), stop = at >= 3 ? x(Math.max(3, end)) : left * end / 3, y = 10;
  if (at > 0) {
    node.append(make("rect", { class: "same", x: 0.5, y, width: Math.min(left, stop), height: BAR, rx: 3 }),
      text("soft small middle", left / 2, y + 18, narrow ? "3 × 1 s" : "3 × 1 s"));
    if (stop > left) node.append(make("rect", { class: "skew", x: left, y, width: stop - left, height: BAR }));
    const due = x(router.master_down);
    if (due - stop > 2) node.append(make("rect", { class: "rest", x: stop, y, width: due - stop, height: BAR }));
    const words = `${narrow ? "" : "Skew_Time "}${router.skew.toFixed(3)} s`;
    if (stop - left > words.length * 7.5) node.append(text("on", left + 8, y + 18, words));
    else if (due - left > 60 && !narrow) node.append(text("small soft", Math.min(due + 8, width - 70), y + 18, `${router.skew.toFixed(3)} s`));
    node.append(make("line", { class: "first", x1: stopLine(width, at), x2: stopLine(width, at), y1: 0, y2: HIGH }));
  }
  const brief = router.held[0]?.[1] != null && !narrow;
  if (brief) node.append(text("small", stop + 10, y + 18, `MASTER for ${(1000 * (router.held[0][1] - router.held[0][0])).toFixed(1)} ms`));
  if (number === found.winner) node.append(...badge(width, at > 0 ? stop : 0, narrow));
  return node;
}

function stopLine(width, at) {
  const { x, left } = layout(width);
  return at >= 3 ? x(at) : left * at / 3;
}

// The address, at the winner's: to the right of its bar, or inside where there is no room.
function badge(width, stop, narrow) {
  const wide = narrow ? 104 : 190, at = Math.max(2, Math.min(stop + 10, width - wide - 2));
  return [make("rect", { class: "badge", x: at, y: 9, width: wide, height: 28, rx: 14 }),
    make("text", { class: `ip${narrow ? " small" : ""}`, x: at + wide / 2, y: 28 }, narrow ? ADDRESS : `MASTER · ${ADDRESS}`)];
}

export function axis(width, found) {
  const { x, left, narrow } = layout(width), at = decided(found) ?? 0;
  const node = make("svg", { viewBox: `0 0 ${width} 40`, "aria-hidden": "true" });
  node.append(make("g", { class: "axis" }, make("line", { x1: 0, x2: width, y1: 1, y2: 1 })));
  const text = (cls, place, words) => node.append(make("text", { class: `small middle ${cls}`, x: place, y: 18 }, words));
  text("soft", 6, "0");
  for (const t of narrow ? [3, 3.5, 4] : [3, 3.2, 3.4, 3.6, 3.8, 4]) text("soft", x(t), `${t} s`);
  if (at > 0) node.append(make("text", { class: "small bad middle", x: Math.min(width - 60, Math.max(60, stopLine(width, at))), y: 36 }, `${at.toFixed(3)} s`));
  node.append(make("text", { class: "small soft middle", x: left / 2, y: 36 }, narrow ? "shortened" : "drawn shorter"));
  return node;
}
