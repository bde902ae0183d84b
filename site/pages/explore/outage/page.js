// Why 2.6 to 3.6 seconds: the moment of the pull, dragged in the figure or by the slider.

import { by } from "@site/by.js";
import { draggable, Explorable, onWidth } from "@site/explore/page.js";
import { figure } from "./figure.js";

const INTERVAL = 1, box = by("figure");
let shown = null, drawn = null;

const page = new Explorable({ moment: 2.4, priority: 100, ending: "pulled" }, update);
const ask = page.asker("takeover_moment.takeover", (found, args) => {
  shown = { found, args };
  draw(box.clientWidth);
});

function update(state) {
  page.label("moment", `${state.moment.toFixed(2)} s`);
  page.label("priority", String(state.priority));
  ask({ moment: state.moment, priority: state.priority, interval: INTERVAL, ending: state.ending });
}

function draw(width) {
  if (!shown || !width) return;
  const { found, args } = shown;
  drawn = figure(width, found, INTERVAL, args.ending);
  box.replaceChildren(drawn.node);
  page.say(sentence(found, args.ending));
}

function sentence(found, ending) {
  const outage = `${found.outage.toFixed(3)} s`;
  if (ending === "stopped") {
    return `The daemon is stopped: web1 sends an Advertisement of priority 0, and web2 waits Skew_Time only. Nobody holds 192.168.1.10 for ${outage}.`;
  }
  const before = (found.lost - found.counted_from).toFixed(2);
  return `The last Advertisement was sent ${before} s before the pull: ${found.master_down.toFixed(3)} s − ${before} s = ${outage} without a holder.`;
}

draggable(box, (x) => {
  if (!drawn) return;
  const moment = Math.round(drawn.at.x.back(x) / 0.02) * 0.02;
  page.set({ moment: Number(Math.min(3, Math.max(0, moment)).toFixed(2)) });
});
onWidth(box, draw);
page.first().then((found) => {
  if (found && !shown) { shown = { found, args: page.state }; draw(box.clientWidth); }
});
update(page.state);
