// The plan: hosts, switches and cables as SVG, and on them whatever moves.
//
//   a host      its colour when it holds the address; words and a sign for its state; the ring of
//               its Master_Down_Timer
//   a cable     a button: what it does when pressed is the bench's business
//   a badge     the address, above whoever holds it; it flies to the next holder
//   a dot       an Advertisement on its way, slower than life; a diamond is a gratuitous ARP
//
// What is drawn is made once and changed in place.

import { make, pressable, say, set } from "./dom.js";
import { BADGE, BAR, BOX, badgesOf, cablesOf, placed, way } from "./places.js";
import { answerer, holders } from "./record.js";

const TRAVEL = 0.45;          // s that a dot needs from host to host,
const CLIMBS = 0.4;           // this share of it up to the switch
const MAX_DOTS = 60;
const STATE = { MASTER: "● MASTER", BACKUP: "○ BACKUP", FAULT: "✕ FAULT", INIT: "… INIT" };
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export class Plan {
  // `can` has what clicks call, as far as something can be done: press(cable), open(host, node), on
  // real hosts enter(host) (its terminal) and, in a LAN in memory, more(cable), lan() and packet(event).
  constructor(network, can) {
    this.network = network;
    this.can = can;
    this.spot = placed(network);
    const { width, height } = this.spot;
    this.node = make("svg", {
      class: "vb-plan", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "the network",
    });
    this.cables = cablesOf(network, this.spot).map((c) => this.cable(c));
    for (const name of network.switches) this.node.append(this.bar(name));
    this.hosts = network.hosts.map((h) => this.host(h));
    if (can.enter) for (const h of network.hosts) this.prompt(h);
    this.dots = make("g", { class: "vb-dots", "aria-hidden": "true" });
    this.badges = make("g", { class: "vb-badges", "aria-hidden": "true" });
    this.node.append(this.dots, this.badges);
  }

  draw(moment) {
    for (const cable of this.cables) this.drawCable(cable, moment.scene);
    for (const host of this.hosts) {
      if (host.server) this.drawServer(host, moment); else this.drawClient(host, moment);
    }
    this.drawBadges(moment.scene);
    this.drawDots(still() ? [] : this.flying(moment));
  }

  // -- made once ----------------------------------------------------------------------------------

  bar(name) {
    const { y } = this.spot.bars[name];
    const { lan } = this.can;
    const node = make("g", { class: "vb-switch" },
      make("rect", { x: 14, y, width: this.spot.width - 28, height: BAR, rx: 6 }),
      make("text", { x: 28, y: y + BAR / 2 + 5 }, `switch ${name}${lan ? " ⋮" : ""}`));
    if (!lan) return node;
    node.setAttribute("aria-label", `switch ${name}: faults of the whole LAN`);
    pressable(node, lan);
    return node;
  }

  cable(c) {
    const { press, more } = this.can;
    const { x, top, bottom } = c, middle = (top + bottom) / 2;
    const line = (cls, y1, y2) => make("line", { class: `vb-wire ${cls}`, x1: x, x2: x, y1, y2 });
    const sign = make("text", { class: "vb-sign", x, y: middle + 6 });
    const note = make("text", { class: "vb-note", x: x + 16, y: middle + 5 });
    const node = make("g", { class: "vb-cable", "data-host": c.h, "data-interface": c.i },
      make("rect", { class: "vb-hit", x: x - 24, y: top + 1, width: 48, height: bottom - top - 2, rx: 6 }),
      line("vb-whole", top, bottom), line("vb-end", top, middle - 11),
      line("vb-end", middle + 11, bottom), sign, note);
    const server = this.network.hosts.find((h) => h.name === c.h)?.server;
    const can = Boolean(press) && (server || !more);      // a client in memory has no cable to pull
    if (can) pressable(node, () => press(c));
    this.node.append(node);
    if (can && more) this.node.append(this.menuOf(c, middle, more));
    return { ...c, node, sign, note, button: can };
  }

  // Beside a cable: what else can happen to it.
  menuOf(c, middle, more) {
    const node = make("g", { class: "vb-kebab", "aria-label": `cable ${c.i} of ${c.h}: more faults` },
      make("rect", { x: c.x - 58, y: middle - 13, width: 26, height: 26, rx: 6 }),
      make("text", { x: c.x - 45, y: middle + 6 }, "⋮"));
    pressable(node, () => more(c));
    return node;
  }

  host(h) {
    const { open, enter } = this.can;
    const { x, y, h: tall } = this.spot.hosts[h.name], left = x - BOX.w / 2;
    const node = make("g", { class: `vb-host${h.server ? "" : " vb-client"}`, "data-host": h.name },
      make("title", {}, `${h.name}, ${h.ip}`),
      make("rect", { x: left, y, width: BOX.w, height: tall, rx: 10 }));
    const line = (cls, down) => {
      const text = make("text", { class: cls, x: left + 14, y: y + down });
      node.append(text);
      return text;
    };
    say(line("vb-name", h.server ? 34 : 21), h.name);
    const parts = { ...h, node, state: line("vb-state", h.server ? 54 : 38) };
    parts.more = line("vb-ip", h.server ? 72 : 55);
    if (h.server) {
      parts.last = line("vb-ip", 88);
      parts.ring = this.ring(left + BOX.w - 34, y + 52);
      node.append(parts.ring.node);
      node.style.setProperty("--host", h.colour);
      node.style.setProperty("--ink", h.ink);
    }
    parts.menu = Boolean(open) && (h.server || Boolean(enter));
    if (parts.menu) {
      node.setAttribute("aria-haspopup", "menu");
      pressable(node, () => open(h, node), "ArrowDown");
    } else {                                     // something to read, also by keyboard
      node.setAttribute("role", "img");
      node.setAttribute("tabindex", "0");
    }
    this.node.append(node);
    return parts;
  }

  // The lower corner of a host opens its terminal; it is not inside the host, which is a button itself.
  prompt(h) {
    const spot = this.spot.hosts[h.name], left = spot.x + BOX.w / 2 - 38, y = spot.y + spot.h - 27;
    const node = make("g", { class: "vb-prompt", "data-host": h.name, "aria-label": `terminal of ${h.name}` },
      make("rect", { x: left, y, width: 30, height: 20, rx: 5 }),
      make("text", { x: left + 15, y: y + 14.5 }, ">_"), make("title", {}, `terminal of ${h.name}`));
    pressable(node, () => this.can.enter(h));
    this.node.append(node);
  }

  ring(cx, cy) {
    const turned = `rotate(-90 ${cx} ${cy})`;
    const left = make("circle", { class: "vb-left", cx, cy, r: 22, pathLength: 100, transform: turned });
    const text = make("text", { x: cx, y: cy + 4.5 });
    const node = make("g", { class: "vb-ring" }, make("circle", { class: "vb-track", cx, cy, r: 22 }),
      left, text, make("title", {}, "Master_Down_Timer: what is left of it"));
    return { node, left, text };
  }

  // -- changed in place ---------------------------------------------------------------------------

  drawCable(cable, scene) {
    const [up, carrier] = scene.links[`${cable.h} ${cable.i}`] ?? [true, true];
    const path = scene.hosts[cable.h]?.pth ?? "", pulled = !up || !carrier;
    const [sign, note] = pulled ? ["×", up ? "unplugged" : "link down"]
      : path === "cut" ? ["≠", "path cut"] : path ? ["~", "loses frames"] : ["", ""];
    set(cable.node, "class", `vb-cable${pulled ? " vb-pulled" : ""}${sign ? " vb-broken" : ""}`);
    say(cable.sign, sign);
    say(cable.note, note);
    if (!cable.button) return;
    const offer = pulled ? "unplugged: press to plug it in" : "plugged in: press to unplug it";
    set(cable.node, "aria-pressed", pulled);
    set(cable.node, "aria-label", `cable ${cable.i} of ${cable.h}, ${offer}`);
  }

  drawClient(host, moment) {
    const by = host.name === this.network.client ? answerer(moment) : undefined;
    const answer = by === undefined ? "" : by ? `answered by ${by}` : "no answer";
    const lines = [host.ip, answer].filter(Boolean);
    say(host.state, lines[0] ?? "");
    say(host.more, lines[1] ?? "");
    set(host.node, "aria-label", [host.name, ...lines].join(", ") + (host.menu ? "; opens a menu" : ""));
  }

  drawServer(host, moment) {
    const now = moment.scene.hosts[host.name];
    if (!now) return;
    const states = [...new Set(Object.values(now.st))], named = states.map((s) => STATE[s] ?? s);
    const off = { gone: "– no daemon", frozen: "❄ frozen", down: "✕ down" }[now.dmn];
    const state = off ?? (named.join(" ") || "…");
    const kind = now.held.length ? "holder" : now.dmn !== "runs" ? "off"
      : states.includes("FAULT") ? "fault" : "idle";
    const priorities = [...new Set(Object.values(now.prio))].join(", ");
    const priority = priorities && `priority ${priorities}`;
    const two = now.dmn === "runs" && states.length > 1;      // two virtual routers, two states
    set(host.node, "class", `vb-host vb-${kind}`);
    say(host.state, two ? named[0] : state);
    say(host.more, two ? named[1] : host.ip);
    say(host.last, two ? host.ip : priority);
    const holds = now.held.length ? ", holds the address" : "";
    set(host.node, "aria-label", `${host.name}, ${state.slice(2)}${holds}${host.menu ? "; opens a menu" : ""}`);
    this.drawRing(host.ring, now, moment.t);
  }

  // The timer that runs out first; one that is over has just been acted upon.
  drawRing(ring, now, t) {
    const waits = !["gone", "down"].includes(now.dmn) && !Object.values(now.st).includes("FAULT");
    const timers = (waits ? Object.values(now.tmr) : [])
      .map(([since, wait]) => ({ left: since + wait - t, wait }))
      .filter((timer) => timer.left > -0.6).sort((a, b) => a.left - b.left);
    ring.node.style.display = timers.length ? "" : "none";
    if (!timers.length) return;
    const left = Math.max(0, timers[0].left), share = Math.min(1, left / timers[0].wait);
    set(ring.left, "stroke-dasharray", `${(share * 100).toFixed(1)} 100`);
    ring.node.classList.toggle("vb-low", share < 0.5);
    say(ring.text, left.toFixed(1));
  }

  drawBadges(scene) {
    const { network, spot } = this;
    const held = network.addresses.map((_, a) => holders(network, scene, a));
    const rank = (name, a) => scene.hosts[name].held.filter((other) => other < a).length;
    const wanted = badgesOf(spot, network.addresses, held, rank);
    const badge = () => make("g", {},
      make("rect", { x: -82, y: -BADGE / 2, width: 164, height: BADGE, rx: BADGE / 2 }),
      make("text", { y: 5 }));
    pooled(this.badges, wanted, badge, (node, is) => {
      set(node, "class", `vb-badge vb-${is.is}`);
      say(node.lastChild, is.text);
      const place = `translate(${is.x}px, ${is.y}px)`;
      if (node.style.transform !== place) node.style.transform = place;
    });
  }

  // What is on its way: {x, y, e}.  A stretch of pings is as late as its end.
  flying(moment) {
    const found = [], { record, count, t } = moment;
    for (let n = count - 1; n >= 0 && found.length < MAX_DOTS; n -= 1) {
      const e = record.events[n], age = t - e.t;
      if (age > TRAVEL && e.k !== "png") break;
      if (age > TRAVEL) continue;
      const up = age / (TRAVEL * CLIMBS), on = (age - TRAVEL * CLIMBS) / (TRAVEL * (1 - CLIMBS));
      let spot = null;
      if ((e.k === "adv" || e.k === "arp") && up <= 1) spot = way(this.cables, e.h, null, up);
      if (e.k === "hrd" && e.f && on >= 0) spot = way(this.cables, e.f, e.h, Math.min(1, on));
      if (spot) found.push({ ...spot, e });
    }
    return found;
  }

  drawDots(found) {
    const { packet } = this.can;
    const dot = () => {
      const node = make("g", {}, make("circle", { class: "vb-hit", r: packet ? 18 : 0 }),
        make("rect", { width: 13, height: 13, x: -6.5, y: -6.5 }));
      if (packet) node.addEventListener("click", () => { if (node.event.k !== "arp") packet(node.event); });
      return node;
    };
    pooled(this.dots, found, dot, (node, { x, y, e }) => {
      const sender = this.network.hosts.find((h) => h.name === (e.f ?? e.h)), arp = e.k === "arp";
      node.event = e;
      set(node.lastChild, "rx", arp ? 0 : 6.5);
      set(node, "transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})${arp ? " rotate(45)" : ""}`);
      set(node.lastChild, "class", e.p === 0 ? "vb-bye" : "");
      node.style.setProperty("--host", sender?.colour ?? "#777");
    });
  }
}

// As many children as are wanted, made when there were never so many, hidden when there are fewer.
function pooled(group, wanted, created, draw) {
  while (group.children.length < wanted.length) group.append(created());
  [...group.children].forEach((node, n) => {
    node.style.display = n < wanted.length ? "" : "none";
    if (n < wanted.length) draw(node, wanted[n]);
  });
}
