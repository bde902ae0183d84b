// What has happened, in bounded memory, and the LAN at any moment of it.
//
//   base ──────┬── events, by time ──────────────┐
//   the scene  │  thinned when there are too      │ end
//   at `start` │  many; see labs/panel/record.py  │
//              └── at(t): base and every event up to t
//
// The twin of labs/panel/record.py: the same events, the same rules, so that a page that is open
// for an hour does not grow, and a test lays the two side by side.
// The events ("k" is the kind) are explained in labs/panel/events.py.  Nothing here draws.

export const CAPACITY = 6000;         // events that are kept, about
const SAVED = 2000;                   // and in a saved notebook: less than 200 kB
const TOUCHING = 0.15;                // s: pings so close to the stretch before belong to it
const LIGHT = new Set(["adv", "hrd", "arp", "tmr"]);   // movement; without it the story is the same

// `scene`, changed in place by one event.
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

// The older half without the light events of every second stretch of `step` seconds.
export function thinned(events, step) {
  const half = Math.floor(events.length / 2);
  return events.filter((e, n) =>
    n >= half || !LIGHT.has(e.k) || Math.trunc(e.t / step) % 2 === 0);
}

export class Record {
  constructor(run, capacity = CAPACITY) {
    this.capacity = capacity;
    this.base = run.base;
    this.start = run.start;
    this.end = run.end;
    this.events = run.events;
    this.version = 0;                 // changes when something came that is not simply the newest
    this.stretches = new Map();       // of pings: the one that may go on, by address and answerer
    for (const e of this.events) if (e.k === "png") this.stretches.set(`${e.a} ${e.by}`, e);
  }

  take(events) {
    for (const e of events) {
      this.clip(e);
      if (e.t <= this.start) applied(this.base, e);
      else if (!this.joined(e)) this.keep(e);
    }
    if (this.events.length > this.capacity) this.shrink();
  }

  // A copy of all of it as JSON can carry it, short enough for a notebook: a long run is thinned.
  snapshot() {
    const { base, start, end, events } = this;
    const copy = new Record(structuredClone({ base, start, end, events }), SAVED);
    copy.take([]);
    return { base: copy.base, start: copy.start, end: copy.end, events: copy.events };
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

  // The whole LAN as it was at t.
  at(t) {
    const scene = structuredClone(this.base);
    for (let n = 0, last = this.upTo(t); n < last; n += 1) applied(scene, this.events[n]);
    return scene;
  }

  keep(e) {
    this.end = Math.max(this.end, e.e ?? e.t);
    if (e.k === "png") this.stretches.set(`${e.a} ${e.by}`, e);
    let at = this.events.length;
    while (at > 0 && this.events[at - 1].t > e.t) at -= 1;
    if (at < this.events.length) this.version += 1;
    this.events.splice(at, 0, e);
  }

  // Whether pings could be added to the stretch before them.
  joined(e) {
    if (e.k !== "png") return false;
    const before = this.stretches.get(`${e.a} ${e.by}`);
    if (!before || e.t < before.t || e.t >= before.e + TOUCHING) return false;
    before.e = Math.max(before.e, e.e);
    before.n += e.n;
    this.end = Math.max(this.end, before.e);
    return true;
  }

  // Thin the older half until there is room; if that is not enough, forget the oldest.
  shrink() {
    this.version += 1;
    for (let step = 2; step <= 1024; step *= 2) {
      if (this.events.length > 0.75 * this.capacity) this.events = thinned(this.events, step);
    }
    while (this.events.length > 0.9 * this.capacity) {
      const old = this.events.splice(0, Math.floor(this.capacity / 4));
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
}

// The scene at a moment that mostly moves forward: then only what is new is applied.
export class Moment {
  constructor(record) {
    this.record = record;
    this.version = null;
  }

  // `scene` is the LAN at t, `count` how many events led to it.
  to(t) {
    const { record } = this;
    if (this.version !== record.version || t < this.t) {
      this.version = record.version;
      this.scene = record.at(t);
      this.count = record.upTo(t);
    }
    while (this.count < record.events.length && record.events[this.count].t <= t) {
      applied(this.scene, record.events[this.count]);
      this.count += 1;
    }
    this.t = t;
    return this;
  }
}

// The hosts that hold address number `a`, in the order of the network.
export function holders(network, scene, a) {
  return network.hosts.filter((h) => scene.hosts[h.name]?.held.includes(a)).map((h) => h.name);
}

// Who answered the client's last ping before that moment; undefined if it sent none lately.
export function answerer(moment) {
  const { record, count, t } = moment;
  for (let n = count - 1; n >= 0; n -= 1) {
    const e = record.events[n];
    if (e.k === "png" && e.a === 0 && t - e.e < 1) return e.by;
  }
  return undefined;
}
