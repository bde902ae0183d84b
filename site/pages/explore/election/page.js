// The election: a slider and a bar for each of five routers.

import { make, say, set } from "@panel/dom.js";
import { by } from "@site/by.js";
import { Explorable, onWidth } from "@site/explore/page.js";
import { ADDRESS, axis, bar } from "./figure.js";

const NUMBERS = [1, 2, 3, 4, 5];
const box = by("figure");
const rows = NUMBERS.map((n) => row(n)), scale = make("div", { class: "scale" }, make("span"), make("div"));
box.append(...rows.map((r) => r.node), scale);

const page = new Explorable({
  web1: 150, web2: 100, web3: 200, web4: 100, web5: 50,
  on1: true, on2: true, on3: true, on4: true, on5: true,
}, update);
let found = null;
const ask = page.asker("election.result", (answer) => { found = answer; draw(); });

function row(n) {
  const id = `web${n}`;
  const check = make("input", { type: "checkbox", id: `on${n}`, name: `on${n}`, "aria-label": `${id} takes part` });
  const range = make("input", { type: "range", id, name: id, min: 1, max: 255, step: 1 });
  const label = make("label", { for: id });
  label.append(id, " ", make("small", {}, `192.168.1.${10 + n}`));
  const output = make("output", { id: `${id}-value`, for: id });
  const place = make("div");
  return { place, node: make("div", { class: "router" }, make("div", { class: "who" }, check, label, output, range), place) };
}

function update(state) {
  const priorities = NUMBERS.map((n) => state[`web${n}`]), taking_part = NUMBERS.map((n) => state[`on${n}`]);
  for (const n of NUMBERS) page.label(`web${n}`, String(state[`web${n}`]), `priority ${state[`web${n}`]}`);
  ask({ priorities, taking_part });
}

function draw() {
  const width = rows[0].place.clientWidth;
  if (!found || !width) return;
  rows.forEach(({ node, place }, number) => {
    const router = found.routers[number];
    set(node, "class", `router${router.taking_part ? "" : " out"}${number === found.winner ? " winner" : ""}`);
    place.replaceChildren(bar(width, found, number));
  });
  scale.lastChild.replaceChildren(axis(width, found));
  page.say(sentence());
}

function sentence() {
  if (found.winner === null) return `Nobody takes part, and nobody holds ${ADDRESS}.`;
  const winner = found.routers[found.winner], at = winner.held.at(-1)[0];
  if (winner.priority === 255) return `${winner.name} has priority 255: it owns the address and is MASTER at once.`;
  const begin = `${winner.name} becomes MASTER ${at.toFixed(3)} s after the start, 3 × 1 s + Skew_Time ${winner.skew.toFixed(3)} s`;
  if (!found.tie.length) return `${begin}: the highest priority has the shortest Skew_Time.`;
  const others = found.tie.filter((n) => n !== found.winner).map((n) => found.routers[n].name).join(" and ");
  return `${begin}. ${others} became MASTER at the same moment, for ${(found.together * 1000).toFixed(1)} ms: of equal priorities the higher address stays.`;
}

onWidth(rows[0].place, draw);
page.first().then((answer) => { if (answer && !found) { found = answer; draw(); } });
say(by("reading"), "");
update(page.state);
