// How fast is too fast: a thousand runs for each interval, the chosen one first.

import { by } from "@site/by.js";
import { draggable, Explorable, onWidth } from "@site/explore/page.js";
import { duration, often, stretch } from "@site/explore/scale.js";
import { figure, nearest } from "./figure.js";

const INTERVALS = [0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 3];
const STALLS = [0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 2, 3, 4, 5];
const RUNS = 1000;
const box = by("figure"), progress = by("progress");
let answers = new Map(), drawn = null, working = "";

const page = new Explorable({ interval: 4, loss: 2, stall: 4 }, update);

function update(state) {
  const { loss, stall } = state, interval = INTERVALS[state.interval] ?? INTERVALS[4];
  page.label("interval", duration(interval));
  page.label("loss", `${loss} %`, `${loss} percent`);
  page.label("stall", stall ? duration(STALLS[stall]) : "never");
  const setting = `${loss} ${stall}`;
  if (setting !== working) { working = setting; answers = new Map(); work(setting); }
  draw(box.clientWidth);
}

// One interval after the other, until the setting changes: the chosen one, then its neighbors.
async function work(setting) {
  const [loss, stall] = setting.split(" ").map(Number);
  while (setting === working) {
    const from = page.state.interval;
    const left = INTERVALS.map((_, n) => n).filter((n) => !answers.has(INTERVALS[n]));
    if (!left.length) break;
    const next = left.sort((a, b) => Math.abs(a - from) - Math.abs(b - from))[0];
    progress.textContent = `${INTERVALS.length - left.length} of ${INTERVALS.length} intervals, ${RUNS} runs each …`;
    try {
      const found = await page.python.call("interval_risk.runs", { interval: INTERVALS[next], loss: loss / 100, stall: STALLS[stall] ?? 0, runs: RUNS });
      if (setting !== working) return;
      answers.set(found.interval, found);
    } catch (error) {
      page.report(error.message, true);
      return;
    }
    draw(box.clientWidth);
  }
  if (setting === working) progress.textContent = `${INTERVALS.length} intervals, ${RUNS} runs each: done`;
}

function draw(width) {
  if (!width) return;
  const interval = INTERVALS[page.state.interval];
  drawn = figure(width, INTERVALS, answers, page.state.interval);
  box.replaceChildren(drawn.node);
  const found = answers.get(interval);
  if (found) page.say(sentence(found));
}

function sentence(found) {
  const outage = `At ${duration(found.interval)} the outage is ${duration(found.median)} (median of ${found.runs} failures).`;
  if (found.per_day === null) return `${outage} Nothing is lost and web1 never stalls, so there is no false takeover.`;
  if (!found.false) return `${outage} No false takeover in ${stretch(found.observed)} with ${found.disturbances.toLocaleString("en-US")} lost frames or stalls.`;
  return `${outage} False takeovers: ${found.false.toLocaleString("en-US")} in ${stretch(found.observed)}, or ${often(found.per_day)}.`;
}

draggable(box, (x) => {
  if (drawn) page.set({ interval: nearest(drawn.at, INTERVALS, x) });
});
onWidth(box, draw);
page.first().then((all) => {
  if (!all || working !== "2 4") return;
  for (const found of all) if (!answers.has(found.interval)) answers.set(found.interval, found);
  draw(box.clientWidth);
});
update(page.state);
