// The live bench in a browser: draws a LAN as it was at one moment, now or then.
//
//   record    base scene + events by time, bounded; the twin of labs/panel/record.py
//   Bench     a clock (live, playing, paused), and a drawing of the scene at that clock
//   mount     in a page of its own, with the data in it;  default.render  in a notebook (anywidget)
//
// No library, no build step, no network. The events are explained in labs/panel/events.py.

const CAPACITY = 6000, TOUCHING = 0.15;
const LIGHT = new Set(["adv", "hrd", "arp", "tmr"]);
const TRAVEL = 0.45;          // s of the panel's clock that a dot needs from host to host
const LAG = 0.2;              // s that "live" stays behind, so that messages have arrived
const FRAME = 33;             // ms between two drawings
const MAX_DOTS = 60, MAX_LINES = 60;

// --- the record: what has happened -----------------------------------------------------------------

export function applied(scene, e) {
  const host = scene.hosts[e.h];
  if (!host) return scene;
  if (e.k === "own") {
    host.held = host.held.filter((a) => a !== e.a);
    if (e.on) host.held = [...host.held, e.a].sort((a, b) => a - b);
  } else if (e.k === "lnk") scene.links[`${e.h} ${e.i}`] = [e.up, e.ok];
  else if (e.k === "st") {
    host.st[e.i] = e.to;
    if (e.p !== null) host.prio[e.i] = e.p;
  } else if (e.k === "dmn" || e.k === "pth") host[e.k] = e.s;
  else if (e.k === "tmr") {
    if (e.w) host.tmr[String(e.r)] = [e.t, e.w, e.b];
    else delete host.tmr[String(e.r)];
  }
  return scene;
}

export function thinned(events, step) {
  const half = Math.floor(events.length / 2);
  return events.filter((e, n) =>
    n >= half || !LIGHT.has(e.k) || Math.trunc(e.t / step) % 2 === 0);
}

export class Record {
  constructor(run) {
    this.base = run.base;
    this.start = run.start;
    this.end = run.end;
    this.events = run.events;
    this.version = 0;           // changes when something came that is not simply the newest
    this.stretches = new Map();
    for (const e of this.events) if (e.k === "png") this.stretches.set(`${e.a} ${e.by}`, e);
  }

  take(events) {
    for (const e of events) {
      this.clip(e);
      if (e.t <= this.start) applied(this.base, e);
      else if (!this.joined(e)) this.keep(e);
    }
    if (this.events.length > CAPACITY) this.shrink();
  }

  keep(e) {
    this.end = Math.max(this.end, e.e ?? e.t);
    if (e.k === "png") this.stretches.set(`${e.a} ${e.by}`, e);
    let at = this.events.length;
    while (at > 0 && this.events[at - 1].t > e.t) at -= 1;
    if (at < this.events.length) this.version += 1;
    this.events.splice(at, 0, e);
  }

  joined(e) {
    if (e.k !== "png") return false;
    const before = this.stretches.get(`${e.a} ${e.by}`);
    if (!before || e.t < before.t || e.t >= before.e + TOUCHING) return false;
    before.e = Math.max(before.e, e.e);
    before.n += e.n;
    this.end = Math.max(this.end, before.e);
    return true;
  }

  shrink() {
    this.version += 1;
    for (let step = 2; step <= 1024; step *= 2) {
      if (this.events.length > 0.75 * CAPACITY) this.events = thinned(this.events, step);
    }
    while (this.events.length > 0.9 * CAPACITY) {
      const old = this.events.splice(0, Math.floor(CAPACITY / 4));
      for (const e of old) applied(this.base, e);
      this.start = old[old.length - 1].t;
      old.forEach((e) => this.clip(e));
      this.events.unshift(...old.filter((e) => e.t > this.start));
    }
  }

  // A stretch of pings may have begun before the beginning and not have ended yet.
  clip(e) {
    if (e.k === "png" && e.t <= this.start && e.e > this.start) e.t = this.start + 0.0001;
  }

  // The number of events up to t.
  upTo(t) {
    let low = 0, high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle].t <= t) low = middle + 1; else high = middle;
    }
    return low;
  }

  at(t) {
    const scene = structuredClone(this.base);
    for (let n = 0, last = this.upTo(t); n < last; n += 1) applied(scene, this.events[n]);
    return scene;
  }
}

// --- small helpers -----------------------------------------------------------------------------------

function make(tag, attributes = {}, ...children) {
  const drawn = ["svg", "g", "rect", "circle", "line", "path", "text", "title", "polygon"];
  const node = drawn.includes(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

function set(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const and = (names) => names.join(" and ");

// --- where things are drawn ----------------------------------------------------------------------------

const BOX = { w: 196, h: 98 }, SMALL = 64, BAR = 30, CABLE = 74, BADGE = 26;

function placed(network) {
  const joined = {};
  for (const c of network.cables) (joined[c.h] ??= new Set()).add(c.s);
  const [first, second] = network.switches;
  const on = (host, name) => joined[host.name]?.has(name);
  const both = second ? network.hosts.filter((h) => on(h, first) && on(h, second)) : [];
  const rows = second
    ? [network.hosts.filter((h) => on(h, first) && !both.includes(h)), first, both, second,
       network.hosts.filter((h) => on(h, second) && !both.includes(h))]
    : [network.hosts.filter((h) => h.server), first, network.hosts.filter((h) => !h.server)];
  const most = Math.max(...rows.filter(Array.isArray).map((row) => row.length));
  const width = Math.max(500, most * (BOX.w + 40));
  const spot = { hosts: {}, bars: {}, width, height: 0 };
  let y = 10;
  rows.forEach((row, n) => {
    if (!Array.isArray(row)) {
      spot.bars[row] = { y };
      y += BAR + (rows[n + 1]?.length ? CABLE : 10);
      return;
    }
    if (!row.length) return;
    const badges = row.some((h) => h.server) ? BADGE * Math.min(3, network.addresses.length) / 2 : 0;
    y += badges;
    const small = row.every((h) => !h.server);
    row.forEach((h, at) => {
      const x = (width / row.length) * (at + 0.5);
      spot.hosts[h.name] = { x, y, h: small ? SMALL : BOX.h };
    });
    y += (small ? SMALL : BOX.h) + (n < rows.length - 1 ? CABLE : 10);
  });
  spot.height = y;
  return spot;
}

// --- the bench -------------------------------------------------------------------------------------------

const STATE = { MASTER: "● MASTER", BACKUP: "○ BACKUP", FAULT: "✕ FAULT", INIT: "… INIT" };
const SPANS = [[15, "15 s"], [30, "30 s"], [60, "1 min"], [300, "5 min"], [0, "all"]];
const RATES = [[1, "real time"], [0.25, "¼ speed"], [0.1, "⅒ speed"]];

class Bench {
  constructor(root, run, port) {
    this.root = root;
    this.port = port;                       // {send(message)}, or null in a page of its own
    this.waiting = new Map();
    this.questions = 0;
    this.reset(run);
    this.mode = port ? "live" : "pause";
    this.rate = 1;
    this.span = 30;
    this.build();
    if (!port) this.clock = this.record.start;
    const watched = new IntersectionObserver((seen) => { this.seen = seen[0].isIntersecting; });
    watched.observe(this.root);
    this.observer = watched;
    this.seen = true;
    this.last = performance.now();
    this.drawn = 0;
    const frame = (now) => {
      if (this.ended) return;
      this.timer = requestAnimationFrame(frame);
      if (now - this.drawn < FRAME || !this.seen) return;
      this.tick((now - this.last) / 1000);
      this.last = this.drawn = now;
    };
    this.timer = requestAnimationFrame(frame);
  }

  reset(run) {
    this.network = run.network;
    this.record = new Record(run);
    this.edge = { now: run.now ?? run.end, at: performance.now(), n: run.n ?? 0 };
    this.clock = Math.max(this.record.start, this.edge.now - LAG);
    this.scene = null;
    this.t0 = null;
  }

  end() {
    this.ended = true;
    cancelAnimationFrame(this.timer);
    this.observer.disconnect();
  }

  // -- messages -------------------------------------------------------------------------------------

  take(message) {
    if (message.type === "all") {
      const { mode, clock, t0 } = this;
      const same = JSON.stringify(message.network) === JSON.stringify(this.network);
      const again = same && Math.abs(message.start - this.record.start) < 1;
      this.reset(message);
      if (again) this.t0 = t0;
      if (again && mode !== "live") this.clock = clock; else this.mode = "live";
      if (!same) { this.root.replaceChildren(); this.build(); }
    } else if (message.type === "news") {
      if (message.n > this.edge.n + 1) this.port?.send({ type: "hello", again: true });
      this.edge = { now: message.now, at: performance.now(), n: message.n };
      this.record.take(message.events);
    } else if (message.type === "answer") {
      const settle = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      settle?.(message);
    }
  }

  ask(question) {
    this.questions += 1;
    const id = this.questions;
    return new Promise((settle) => {
      this.waiting.set(id, settle);
      this.port.send({ ...question, id });
    });
  }

  async act(verb, host, more = {}) {
    this.tell(`${verb} ${host} …`);
    if (this.mode !== "live") this.live();
    const answer = await this.ask({ type: "do", verb, host, ...more });
    this.tell(answer.ok ? `done: ${verb} ${host}` : answer.text, !answer.ok);
  }

  tell(text, wrong = false) {
    say(this.told, text);
    this.told.classList.toggle("vb-wrong", wrong);
  }

  // -- the clock ------------------------------------------------------------------------------------

  // The newest moment that can be shown.
  newest() {
    if (!this.port) return this.record.end;
    const since = Math.min(0.6, (performance.now() - this.edge.at) / 1000);
    return Math.max(this.record.start, this.edge.now + since - LAG);
  }

  live() {
    this.mode = this.port ? "live" : "play";
    if (this.port) { this.rate = 1; this.speed.value = "1"; this.clock = this.newest(); }
  }

  toggle() {
    if (this.mode === "pause") {
      if (!this.port && this.clock >= this.newest() - 0.01) this.clock = this.record.start;
      this.mode = "play";
    } else this.mode = "pause";
  }

  seek(t) {
    this.mode = "pause";
    this.clock = Math.min(Math.max(t, this.record.start), this.newest());
  }

  tick(passed) {
    const newest = this.newest();
    if (this.mode === "live") {
      const behind = newest - this.clock;
      this.clock = behind > 1.5 || behind < 0 ? newest : this.clock + behind * Math.min(1, passed * 12);
    } else if (this.mode === "play") {
      this.clock += passed * this.rate;
      if (this.clock >= newest) {
        this.clock = newest;
        if (!this.port) this.mode = "pause";
        else if (this.rate === 1) this.mode = "live";
      }
    }
    this.clock = Math.max(this.clock, this.record.start);
    this.draw(newest);
  }

  now() {                                   // the scene at the clock
    const { record, clock } = this;
    const s = this.scene;
    if (!s || s.version !== record.version || s.t > clock || s.record !== record) {
      this.scene = { record, version: record.version, t: clock, n: record.upTo(clock), is: record.at(clock) };
    } else {
      while (s.n < record.events.length && record.events[s.n].t <= clock) {
        applied(s.is, record.events[s.n]);
        s.n += 1;
      }
      s.t = clock;
    }
    return this.scene.is;
  }

  owners(scene, a) {
    return this.network.hosts.filter((h) => scene.hosts[h.name]?.held.includes(a)).map((h) => h.name);
  }

  // -- building the page ------------------------------------------------------------------------------

  build() {
    this.root.classList.add("vb");
    this.root.setAttribute("data-lm-suppress-shortcuts", "true");
    this.title = make("h3", { class: "vb-title" });
    this.chip = make("span", { class: "vb-chip" });
    this.told = make("div", { class: "vb-told", role: "status" });
    this.log = make("ol", { class: "vb-log", role: "log", "aria-label": "what happened, and why", tabindex: "0" });
    this.canvas = make("canvas", { class: "vb-line", role: "img" });
    this.drawer = make("div", { class: "vb-drawer" });
    this.menu = make("div", { class: "vb-menu", role: "menu", hidden: "" });
    const side = make("div", { class: "vb-side" }, make("h4", {}, "What happened, and why"), this.log);
    this.stage = make("div", { class: "vb-stage" }, this.plan(), this.menu);
    this.root.append(
      make("div", { class: "vb-head" }, this.title, this.chip),
      make("div", { class: "vb-main" }, this.stage, side),
      this.told, this.drawer, make("div", { class: "vb-box" }, this.canvas), this.controls());
    // Jupyter's keys (d d deletes a cell) are not meant while somebody works in here.
    if (!this.listening) {
      this.root.addEventListener("keydown", (event) => event.stopPropagation());
      this.listening = true;
    }
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.seek(this.timeAt(event.offsetX));
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.buttons & 1) this.seek(this.timeAt(event.offsetX));
    });
    this.lines = null;
  }

  controls() {
    this.play = make("button", { type: "button", class: "vb-play", onclick: () => this.toggle() });
    this.back = make("button", { type: "button", class: "vb-live", onclick: () => this.live() }, "● Live");
    this.back.hidden = !this.port;
    const choice = (label, options, value, change) => {
      const list = make("select", { "aria-label": label },
        ...options.map(([each, text]) => make("option", { value: each }, text)));
      list.value = String(value);
      list.addEventListener("change", () => change(Number(list.value)));
      return list;
    };
    this.speed = choice("speed", RATES, this.rate, (rate) => {
      this.rate = rate;
      if (this.mode === "live" && rate !== 1) this.mode = "play";
    });
    this.window = choice("length of the timeline", SPANS, this.span, (span) => {
      this.span = span;
      this.t0 = null;
    });
    this.slider = make("input", { type: "range", class: "vb-slider", min: 0, step: 0.1, "aria-label": "moment" });
    this.slider.addEventListener("input", () => this.seek(this.record.start + Number(this.slider.value)));
    this.slider.addEventListener("keydown", (event) => {
      const far = { PageUp: 5, PageDown: -5, ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (event.key === " ") this.toggle();
      else if (far && (event.shiftKey || event.key.startsWith("Page"))) this.seek(this.clock + far);
      else return;
      event.preventDefault();
    });
    this.when = make("output", { class: "vb-when" });
    const save = make("button", { type: "button", class: "vb-save", onclick: () => this.save() }, "Save as HTML");
    save.hidden = !this.port;
    return make("div", { class: "vb-controls" }, this.play, this.back, this.slider, this.when,
      make("span", { class: "vb-more" }, this.speed, this.window, save));
  }

  async save() {
    const answer = await this.ask({ type: "save" });
    if (!answer.ok) { this.tell(answer.text, true); return; }
    const link = make("a", {
      href: URL.createObjectURL(new Blob([answer.html], { type: "text/html" })), download: "bench.html",
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    this.tell("saved as bench.html, which replays anywhere");
  }

  plan() {
    const { network } = this;
    const spot = this.spot = placed(network);
    const svg = make("svg", { class: "vb-plan", viewBox: `0 0 ${spot.width} ${spot.height}`, role: "group", "aria-label": "the network" });
    this.cables = network.cables.map((c) => this.cable(svg, c));
    for (const name of network.switches) {
      const y = spot.bars[name].y;
      svg.append(make("g", { class: "vb-switch" },
        make("rect", { x: 14, y, width: spot.width - 28, height: BAR, rx: 6 }),
        make("text", { x: 28, y: y + BAR / 2 + 5 }, `switch ${name}`)));
    }
    this.hosts = network.hosts.map((h) => this.host(svg, h));
    this.dots = make("g", { class: "vb-dots", "aria-hidden": "true" });
    this.pool = [];
    this.badges = [];
    this.badgeGroup = make("g", { class: "vb-badges", "aria-hidden": "true" });
    svg.append(this.dots, this.badgeGroup);
    return svg;
  }

  // A cable: from the host's box to its switch; its own button.
  cable(svg, c) {
    const box = this.spot.hosts[c.h], bar = this.spot.bars[c.s].y;
    const below = bar > box.y;
    const several = this.network.cables.filter((o) => o.h === c.h && o.s === c.s).length > 1;
    const x = box.x + (several ? (c.i === "eth0" ? -30 : 30) : 0);
    const top = below ? box.y + box.h : bar + BAR, bottom = below ? bar : box.y;
    const middle = (top + bottom) / 2;
    const node = make("g", { class: "vb-cable", "data-host": c.h, "data-interface": c.i },
      make("rect", { class: "vb-hit", x: x - 24, y: top + 1, width: 48, height: bottom - top - 2, rx: 6 }),
      make("line", { class: "vb-wire", x1: x, x2: x, y1: top, y2: middle - 11 }),
      make("line", { class: "vb-wire vb-gap", x1: x, x2: x, y1: middle - 12, y2: middle + 12 }),
      make("line", { class: "vb-wire", x1: x, x2: x, y1: middle + 11, y2: bottom }),
      make("text", { class: "vb-sign", x, y: middle + 6 }),
      make("text", { class: "vb-note", x: x + 16, y: middle + 5 }));
    const press = () => {
      const now = this.record.at(this.newest()).links[`${c.h} ${c.i}`] ?? [true, true];
      this.act(now[0] ? (now[1] ? "unplug" : "plug") : "linkup", c.h, { interface: c.i });
    };
    if (this.port) {
      node.setAttribute("tabindex", "0");
      node.setAttribute("role", "button");
      node.addEventListener("click", press);
      node.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); press(); }
      });
    }
    svg.append(node);
    return { ...c, node, x, below, at: below ? top : bottom, bar: below ? bar : bar + BAR };
  }

  host(svg, h) {
    const { x, y, h: tall } = this.spot.hosts[h.name];
    const left = x - BOX.w / 2;
    const node = make("g", { class: `vb-host${h.server ? "" : " vb-client"}`, "data-host": h.name },
      make("rect", { x: left, y, width: BOX.w, height: tall, rx: 10 }));
    const line = (cls, dy, dx = 14) => {
      const text = make("text", { class: cls, x: left + dx, y: y + dy });
      node.append(text);
      return text;
    };
    const parts = { ...h, node, name: h.name };
    say(line("vb-name", h.server ? 34 : 21), h.name);
    parts.stateText = line("vb-state", h.server ? 54 : 38);
    if (!h.server) parts.more = line("vb-ip", 55);
    if (h.server) {
      parts.more = line("vb-ip", 72);
      parts.prio = line("vb-ip", 88);
      const cx = left + BOX.w - 34, cy = y + 52;
      parts.ring = make("g", { class: "vb-ring" },
        make("circle", { class: "vb-track", cx, cy, r: 22 }),
        make("circle", { class: "vb-left", cx, cy, r: 22, pathLength: 100, transform: `rotate(-90 ${cx} ${cy})` }),
        make("text", { x: cx, y: cy + 4.5 }), make("title", {}, "Master_Down_Timer: what is left of it"));
      node.append(parts.ring);
      node.style.setProperty("--host", h.colour);
      node.style.setProperty("--ink", h.ink);
    }
    if (this.port && h.server) {
      node.setAttribute("tabindex", "0");
      node.setAttribute("role", "button");
      node.setAttribute("aria-haspopup", "menu");
      node.addEventListener("click", () => this.open(h, node));
      node.addEventListener("keydown", (event) => {
        if (["Enter", " ", "ArrowDown"].includes(event.key)) { event.preventDefault(); this.open(h, node); }
      });
    }
    svg.append(node);
    return parts;
  }

  // -- the menu of a host, and what it opens ------------------------------------------------------------

  open(h, node) {
    const scene = this.record.at(this.newest()).hosts[h.name];
    const verb = (text, name) => [text, () => this.act(name, h.name)];
    const entries = scene.dmn === "gone" ? [verb("Start the daemon", "start")]
      : scene.dmn === "frozen" ? [verb("Thaw the daemon", "thaw"), verb("Crash it (SIGKILL)", "crash")]
        : [verb("Stop the daemon (SIGTERM)", "stop"), verb("Crash it (SIGKILL)", "crash"),
           verb("Freeze it (SIGSTOP)", "freeze"), verb("Restart it", "restart")];
    entries.push(scene.pth ? verb("Mend the path", "mend") : verb("Cut the path, carrier stays", "cut"));
    entries.push(["Edit keepalived.conf …", () => this.edit(h.name)],
      ["Run a command …", () => this.shell(h.name)]);
    const close = () => {
      this.menu.hidden = true;
      document.removeEventListener("pointerdown", outside, true);
    };
    const outside = (event) => { if (!this.menu.contains(event.target)) close(); };
    this.menu.setAttribute("aria-label", `what to do with ${h.name}`);
    this.menu.replaceChildren(...entries.map(([text, call]) => make("button", {
      type: "button", role: "menuitem", tabindex: "-1",
      onclick: () => { close(); node.focus(); call(); },
    }, text)));
    this.menu.onkeydown = (event) => {
      const items = [...this.menu.children], at = items.indexOf(this.root.getRootNode().activeElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
      if (to !== undefined) { event.preventDefault(); items[to % items.length].focus(); }
      if (event.key === "Escape" || event.key === "Tab") { event.preventDefault(); close(); node.focus(); }
    };
    const box = node.querySelector("rect").getBoundingClientRect(), stage = this.stage.getBoundingClientRect();
    this.menu.hidden = false;
    const most = stage.width - this.menu.offsetWidth - 4;
    this.menu.style.left = `${Math.max(4, Math.min(box.left - stage.left + 12, most))}px`;
    this.menu.style.top = `${box.top - stage.top + Math.min(box.height, 40)}px`;
    this.menu.firstChild.focus();
    document.addEventListener("pointerdown", outside, true);
  }

  shelf(title, ...children) {
    const close = make("button", { type: "button", class: "vb-close", "aria-label": "close" }, "✕");
    const form = make("form", { class: "vb-form", "aria-label": title }, make("h4", {}, title), close, ...children);
    close.addEventListener("click", () => this.drawer.replaceChildren());
    form.addEventListener("keydown", (event) => { if (event.key === "Escape") this.drawer.replaceChildren(); });
    form.addEventListener("submit", (event) => event.preventDefault());
    this.drawer.replaceChildren(form);
    return form;
  }

  async edit(host) {
    const answer = await this.ask({ type: "conf", host });
    const text = make("textarea", { rows: 14, spellcheck: "false", "aria-label": `keepalived.conf of ${host}` });
    const remarks = make("pre", { class: "vb-remarks", role: "status" }, "no remarks");
    const button = make("button", { type: "submit" }, "Write it, and reload the daemon");
    const form = this.shelf(`keepalived.conf of ${host}`, text, remarks, button);
    text.value = answer.text;
    const show = (found) => say(remarks, found.length ? found.join("\n") : "no remarks: this is understood");
    let typed = 0;
    const check = async () => {
      const mine = typed += 1;
      const found = await this.ask({ type: "check", host, text: text.value });
      if (mine === typed && found.ok) show(found.remarks);
    };
    let soon;
    text.addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(check, 250); });
    form.addEventListener("submit", async () => {
      const done = await this.ask({ type: "write", host, text: text.value });
      this.tell(done.ok ? `keepalived.conf of ${host} written, the daemon reads it` : done.text, !done.ok);
    });
    text.focus();
    check();
  }

  shell(host) {
    const line = make("input", { type: "text", value: "ip address list dev eth0", "aria-label": `command for ${host}`, spellcheck: "false" });
    const output = make("pre", { class: "vb-output", role: "status", tabindex: "0" });
    const form = this.shelf(`[root@${host} ~]#`, line, make("button", { type: "submit" }, "Run"), output);
    form.addEventListener("submit", async () => {
      say(output, "…");
      say(output, (await this.ask({ type: "run", host, command: line.value })).text || "(nothing printed)");
    });
    line.focus();
    line.select();
  }

  // -- drawing ------------------------------------------------------------------------------------------

  draw(newest) {
    const scene = this.now();
    const owners = this.owners(scene, 0), address = this.network.addresses[0];
    say(this.title, `${address} is held by ${and(owners) || "nobody"}`);
    this.title.classList.toggle("vb-wrong", owners.length !== 1);
    const behind = newest - this.clock;
    const chip = this.mode === "live" ? "LIVE" : this.port
      ? `${this.mode === "pause" ? "PAUSED" : "PLAYING"}, ${behind.toFixed(1)} s ago` : "REPLAY";
    say(this.chip, chip);
    this.chip.classList.toggle("vb-on", this.mode === "live");
    say(this.play, this.mode === "pause" ? "▶ Play" : "❚❚ Pause");
    set(this.slider, "max", Math.max(0.1, newest - this.record.start).toFixed(1));
    this.slider.value = (this.clock - this.record.start).toFixed(1);
    say(this.when, `${(this.clock - this.record.start).toFixed(1)} s`);
    set(this.slider, "aria-valuetext", `${this.when.textContent}: ${this.title.textContent}`);
    for (const cable of this.cables) this.drawCable(cable, scene);
    for (const host of this.hosts) this.drawHost(host, scene);
    this.drawBadges(scene);
    this.drawDots(scene);
    this.drawLine(newest);
    this.drawLog();
  }

  drawCable(cable, scene) {
    const [up, carrier] = scene.links[`${cable.h} ${cable.i}`] ?? [true, true];
    const path = scene.hosts[cable.h]?.pth ?? "";
    const pulled = !up || !carrier;
    const [sign, note] = pulled ? ["×", up ? "unplugged" : "link down"]
      : path === "cut" ? ["≠", "path cut"] : path ? ["~", "loses frames"] : ["", ""];
    set(cable.node, "class", `vb-cable${pulled ? " vb-pulled" : ""}${sign ? " vb-broken" : ""}`);
    say(cable.node.querySelector(".vb-sign"), sign);
    say(cable.node.querySelector(".vb-note"), note);
    if (this.port) {
      set(cable.node, "aria-pressed", pulled);
      set(cable.node, "aria-label", `cable ${cable.i} of ${cable.h}, ${pulled ? "unplugged: press to plug it in" : "plugged in: press to unplug it"}`);
    }
  }

  drawHost(host, scene) {
    const now = scene.hosts[host.name];
    if (!now) return;
    if (!host.server) { 
      const answer = host.name === this.network.client ? this.answer() : "";
      const lines = [host.ip, answer].filter(Boolean);
      say(host.stateText, lines[0] ?? "");
      say(host.more, lines[1] ?? "");
      return;
    }
    const states = [...new Set(Object.values(now.st))];
    const state = now.dmn === "gone" ? "– no daemon" : now.dmn === "frozen" ? "❄ frozen"
      : states.length ? states.map((s) => STATE[s] ?? s).join(" ") : "…";
    const kind = now.held.length ? "owner" : now.dmn !== "runs" ? "off" : states.includes("FAULT") ? "fault" : "idle";
    set(host.node, "class", `vb-host vb-${kind}`);
    const prio = [...new Set(Object.values(now.prio))];
    const [first, second] = now.dmn === "runs" && states.length > 1
      ? states.map((s) => STATE[s] ?? s) : [state, host.ip];
    say(host.stateText, first);
    say(host.more, second);
    say(host.prio, second !== host.ip ? host.ip : prio.length ? `priority ${prio.join(", ")}` : "");
    set(host.node, "aria-label", `${host.name}, ${state.slice(2)}${now.held.length ? ", holds the address" : ""}; opens a menu`);
    this.drawRing(host.ring, now);
  }

  drawRing(ring, now) {
    let shortest = null;
    if (now.dmn !== "gone" && !Object.values(now.st).includes("FAULT")) {
      for (const [since, wait] of Object.values(now.tmr)) {
        const left = since + wait - this.clock;
        if (left > -0.6 && (!shortest || left < shortest.left)) shortest = { left: Math.max(0, left), wait };
      }
    }
    ring.style.display = shortest ? "" : "none";
    if (!shortest) return;
    const share = Math.min(1, shortest.left / shortest.wait);
    set(ring.children[1], "stroke-dasharray", `${(share * 100).toFixed(1)} 100`);
    ring.classList.toggle("vb-low", share < 0.5);
    say(ring.children[2], shortest.left.toFixed(1));
  }

  // Who answered the client's last ping.
  answer() {
    for (let n = this.scene.n - 1; n >= 0; n -= 1) {
      const e = this.record.events[n];
      if (e.k === "png" && e.a === 0 && this.clock - e.e < 1) return e.by ? `answered by ${e.by}` : "no answer";
    }
    return "";
  }

  drawBadges(scene) {
    const wanted = [];
    this.network.addresses.slice(0, 3).forEach((address, a) => {
      const owners = this.owners(scene, a);
      const text = owners.length > 1 ? `⚠ ${address}` : address;
      if (!owners.length) {
        const bar = Object.values(this.spot.bars)[0];
        wanted.push({ text: `nobody: ${address}`, x: this.spot.width / 2, y: bar.y + BAR / 2, cls: "vb-lost" });
      }
      for (const name of owners) {
        const { x, y } = this.spot.hosts[name];
        const above = scene.hosts[name].held.filter((other) => other < a).length;
        wanted.push({ text, x, y: y - above * (BADGE - 2), cls: owners.length > 1 ? "vb-two" : "vb-one" });
      }
    });
    while (this.badges.length < wanted.length) {
      const badge = make("g", { class: "vb-badge" },
        make("rect", { x: -82, y: -BADGE / 2, width: 164, height: BADGE, rx: BADGE / 2 }), make("text", { y: 5 }));
      this.badges.push(badge);
      this.badgeGroup.append(badge);
    }
    this.badges.forEach((badge, n) => {
      const is = wanted[n];
      badge.style.display = is ? "" : "none";
      if (!is) return;
      set(badge, "class", `vb-badge ${is.cls}`);
      say(badge.lastChild, is.text);
      const place = `translate(${is.x}px, ${is.y}px)`;
      if (badge.style.transform !== place) badge.style.transform = place;
    });
  }

  // Where a dot is after `part` (0 to 1) of its way from one host to the next.
  way(from, to, part) {
    const a = this.cables.find((c) => c.h === from && (!to || this.cables.some((o) => o.h === to && o.s === c.s)));
    const b = to && a ? this.cables.find((c) => c.h === to && c.s === a.s) : null;
    if (!a) return null;
    if (!to) return { x: a.x, y: a.at + (a.bar - a.at) * part };
    if (!b) return null;
    return part < 0.6
      ? { x: a.x + (b.x - a.x) * (part / 0.6), y: a.bar + (b.bar - a.bar) * (part / 0.6) }
      : { x: b.x, y: b.bar + (b.at - b.bar) * ((part - 0.6) / 0.4) };
  }

  drawDots() {
    const found = [], { events } = this.record;
    if (!still()) {
      for (let n = this.scene.n - 1; n >= 0 && found.length < MAX_DOTS; n -= 1) {
        const e = events[n], age = this.clock - e.t;
        if (age > TRAVEL && e.k !== "png") break;
        if (age > TRAVEL) continue;
        const out = age / (TRAVEL * 0.4), into = (age - TRAVEL * 0.4) / (TRAVEL * 0.6);
        let spot = null;
        if ((e.k === "adv" || e.k === "arp") && out <= 1) spot = this.way(e.h, null, out);
        if (e.k === "hrd" && e.f && into >= 0) spot = this.way(e.f, e.h, Math.min(1, into));
        if (spot) found.push([spot, e]);
      }
    }
    while (this.pool.length < found.length) {
      const dot = make("rect", { width: 13, height: 13, x: -6.5, y: -6.5 });
      this.pool.push(dot);
      this.dots.append(dot);
    }
    this.pool.forEach((dot, n) => {
      dot.style.display = n < found.length ? "" : "none";
      if (n >= found.length) return;
      const [spot, e] = found[n];
      const sender = this.hosts.find((h) => h.name === (e.f ?? e.h));
      set(dot, "rx", e.k === "arp" ? 0 : 6.5);
      set(dot, "transform", `translate(${spot.x.toFixed(1)} ${spot.y.toFixed(1)})${e.k === "arp" ? " rotate(45)" : ""}`);
      set(dot, "class", e.p === 0 ? "vb-bye" : "");
      dot.style.setProperty("--host", sender?.colour ?? "#777");
    });
  }

  // -- the timeline -------------------------------------------------------------------------------------

  timeAt(x) {
    const { left, right, t0, span } = this.axis;
    return t0 + ((x - left) / (right - left)) * span;
  }

  drawLine(newest) {
    const { canvas, record, network } = this;
    const servers = network.hosts.filter((h) => h.server);
    const width = canvas.clientWidth, lane = 34, top = 24;
    const height = top + servers.length * lane + 26 + 22;
    const scale = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      canvas.style.height = `${height}px`;
    }
    const style = getComputedStyle(this.root), colour = (name) => style.getPropertyValue(name).trim();
    const is = { ink: colour("--vb-ink"), soft: colour("--vb-soft"), lane: colour("--vb-lane"),
      bad: colour("--vb-bad"), back: colour("--vb-back") };
    const span = this.span || Math.max(10, newest - record.start);
    if (!this.span) this.t0 = record.start;
    else if (this.t0 === null || this.clock < this.t0 || this.clock > this.t0 + span) this.t0 = this.clock - span * 0.92;
    if (this.mode === "live" && this.span) this.t0 = Math.max(this.t0, this.clock - span * 0.97);
    this.t0 = Math.max(this.t0, record.start);
    const t0 = this.t0, left = 78, right = width - 14;
    this.axis = { left, right, t0, span };
    const x = (t) => left + ((Math.min(Math.max(t, t0), t0 + span) - t0) / span) * (right - left);
    const pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    const first = record.upTo(t0), last = record.upTo(Math.min(newest, t0 + span));
    const y = (n) => top + n * lane, bar = 22, foot = top + servers.length * lane;
    servers.forEach((h, n) => {
      pen.fillStyle = is.ink;
      pen.fillText(h.name, 6, y(n) + bar / 2 + 4, left - 12);
      pen.fillStyle = is.lane;
      pen.fillRect(left, y(n) + 4, right - left, bar);
    });
    pen.fillStyle = is.ink;
    pen.fillText(network.client, 6, foot + 8, left - 12);
    this.drawOwned(pen, servers, x, y, bar, first, last, Math.min(newest, t0 + span), is);
    const place = Object.fromEntries(servers.map((h, n) => [h.name, n]));
    let said = -100;
    for (let n = 0; n < last; n += 1) {
      const e = record.events[n];
      if (e.k === "png" && e.e >= t0 && e.a === 0) {
        const who = servers.find((h) => h.name === e.by);
        pen.fillStyle = e.by ? who?.colour ?? is.soft : is.bad;
        const a = x(e.t), b = Math.max(a + 1.5, x(Math.max(e.e + 0.01, e.t)));
        pen.fillRect(a, foot + (e.by ? 5 : 2), b - a, e.by ? 6 : 12);
      }
      if (n < first) continue;
      if (e.k === "adv" && e.h in place) {
        const at = x(e.t), edge = y(place[e.h]) + 4;
        pen.fillStyle = is.ink;
        if (e.p === 0) { pen.beginPath(); pen.moveTo(at - 5, edge - 8); pen.lineTo(at + 5, edge - 8); pen.lineTo(at, edge); pen.fill(); } else pen.fillRect(at - 0.6, edge - 5, 1.2, 6);
      } else if (e.k === "act") {
        const at = x(e.t);
        pen.strokeStyle = is.ink;
        pen.lineWidth = 1;
        pen.beginPath(); pen.moveTo(at, 14); pen.lineTo(at, foot + 14); pen.stroke();
        if (at > said) {
          const words = e.h ? `${e.v} ${e.h}` : e.v, wide = pen.measureText(words).width;
          const from = Math.min(at + 3, right - wide);
          if (from > said) {
            pen.fillStyle = is.ink;
            pen.fillText(words, from, 8);
            said = from + wide + 8;
          }
        }
      }
    }
    this.drawAxis(pen, x, t0, span, foot, is, height);
    set(canvas, "aria-label", `timeline: ${this.title.textContent} at ${this.when.textContent}`);
  }

  drawOwned(pen, servers, x, y, bar, first, last, until, is) {
    const { record, network } = this, { t0 } = this.axis;
    const held = record.at(t0).hosts, rows = network.addresses.length, tall = bar / rows;
    const since = {};
    const key = (host, a) => `${host} ${a}`;
    for (const h of servers) for (const a of held[h.name]?.held ?? []) since[key(h.name, a)] = t0;
    const parts = [];
    for (let n = first; n < last; n += 1) {
      const e = record.events[n];
      if (e.k !== "own") continue;
      const name = key(e.h, e.a);
      if (e.on) since[name] ??= e.t;
      else if (name in since) { parts.push([e.h, e.a, since[name], e.t]); delete since[name]; }
    }
    for (const [name, t] of Object.entries(since)) {
      const [host, a] = name.split(" ");
      parts.push([host, Number(a), t, until]);
    }
    for (const [host, a, from, to] of parts) {
      const n = servers.findIndex((h) => h.name === host);
      if (n < 0) continue;
      pen.fillStyle = servers[n].colour;
      pen.fillRect(x(from), y(n) + 4 + a * tall, Math.max(1.5, x(to) - x(from)), tall - (rows > 1 ? 1 : 0));
      for (const [other, b, since2, to2] of parts) {
        const start = Math.max(from, since2), end = Math.min(to, to2);
        if (other === host || a !== b || end - start < 0.05) continue;
        this.hatch(pen, x(start), y(n) + 4 + a * tall, x(end) - x(start), tall, is.back);
      }
    }
  }

  hatch(pen, x, y, width, height, colour) {
    pen.save();
    pen.beginPath();
    pen.rect(x, y, width, height);
    pen.clip();
    pen.strokeStyle = colour;
    pen.lineWidth = 2.5;
    for (let at = x - height - (x % 9); at < x + width; at += 9) {
      pen.beginPath(); pen.moveTo(at, y + height); pen.lineTo(at + height, y); pen.stroke();
    }
    pen.restore();
  }

  drawAxis(pen, x, t0, span, foot, is, height) {
    const { start } = this.record;
    const step = [1, 2, 5, 10, 30, 60, 300, 600, 3600].find((s) => span / s <= 10) ?? 7200;
    pen.fillStyle = is.soft;
    pen.textAlign = "center";
    for (let s = Math.ceil((t0 - start) / step) * step; s <= t0 - start + span; s += step) {
      const at = x(start + s);
      pen.fillRect(at - 0.5, foot + 20, 1, 5);
      pen.fillText(`${s}${s === 0 ? " s" : ""}`, at, height - 9);
    }
    pen.textAlign = "left";
    const at = x(this.clock);
    pen.fillStyle = is.ink;
    pen.fillRect(at - 1, 16, 2, foot + 6);
    pen.beginPath(); pen.moveTo(at - 6, 14); pen.lineTo(at + 6, 14); pen.lineTo(at, 22); pen.fill();
    if (this.mode !== "live") {            // what lies ahead of the moment shown
      pen.globalAlpha = 0.55;
      pen.fillStyle = is.back;
      pen.fillRect(at + 1.5, 16, Math.max(0, this.axis.right - at), foot + 3);
      pen.globalAlpha = 1;
    }
  }

  // -- the log ------------------------------------------------------------------------------------------

  drawLog() {
    const { record } = this;
    const told = `${record.version} ${this.scene.n} ${record.start} ${this.log.clientHeight}`;
    if (told === this.lines) return;
    this.lines = told;
    this.log.scrollTop = this.log.scrollHeight;
    const rows = [];
    for (let n = this.scene.n - 1; n >= 0 && rows.length < MAX_LINES; n -= 1) {
      const e = record.events[n];
      if (e.k === "act" || (e.k === "st" && e.f !== e.to)) rows.unshift(e);
    }
    const ids = rows.map((e) => `${e.t} ${e.h} ${e.k} ${e.v ?? e.to} ${e.i ?? ""}`);
    const same = ids.join("|");
    if (same === this.shown) return;
    this.shown = same;
    const known = new Map([...this.log.children].map((line) => [line.dataset.id, line]));
    const wanted = rows.map((e, n) => known.get(ids[n]) ?? this.line(e, ids[n]));
    for (const line of [...this.log.children]) if (!wanted.includes(line)) line.remove();
    wanted.forEach((line, n) => { if (this.log.children[n] !== line) this.log.insertBefore(line, this.log.children[n] ?? null); });
    this.log.scrollTop = this.log.scrollHeight;
  }

  line(e, id) {
    const when = make("time", {}, `${(e.t - this.record.start).toFixed(1)} s`);
    const row = make("li", { "data-id": id, class: `vb-${e.k}` }, when);
    if (e.k === "act") row.append(make("span", {}, e.x));
    else {
      const host = this.network.hosts.find((h) => h.name === e.h);
      const name = make("b", {}, e.h);
      if (host?.colour) name.style.setProperty("--host", host.colour);
      row.append(make("span", {}, name, ` (${e.i}) ${e.f} → ${e.to}`, e.why ? make("em", {}, e.why) : null));
    }
    return row;
  }
}

// --- the two ways in -------------------------------------------------------------------------------------

export function mount(root, run, port = null) {
  return new Bench(root, run, port);
}

export default {
  render({ model, el }) {
    const root = document.createElement("div");
    el.append(root);
    const network = model.get("network");
    const port = { send: (message) => model.send(message) };
    const empty = { st: {}, prio: {}, dmn: "runs", pth: "", held: [], tmr: {} };
    const base = { hosts: Object.fromEntries(network.hosts.map((h) => [h.name, structuredClone(empty)])), links: {} };
    const now = Date.now() / 1000;
    const bench = mount(root, { network, base, start: now, end: now, now, events: [] }, port);
    const take = (message) => bench.take(message);
    model.on("msg:custom", take);
    port.send({ type: "hello" });
    return () => {
      model.off("msg:custom", take);
      port.send({ type: "bye" });
      bench.end();
    };
  },
};
