// The timeline, on a canvas: a lane for each server, filled while it holds the address, and below
// them the client's pings.
//
//            unplug web1                what somebody did
//   web1     ▇▇▇▇▇▇▇▇▇▇▇│               ticks: Advertisements; ▼: one that says goodbye
//   web2                │     ▇▇▇▇▇▇    hatched: two hold it
//   client   ▬▬▬▬▬▬▬▬▬▬▬│█████▬▬▬▬▬▬    thick: no answer
//            0 s        5       10      dragging in it goes to a moment
//
// A canvas, because a run has thousands of events and a page shall not have as many elements.

import { make, set } from "./dom.js";

const LEFT = 78, RIGHT = 14, TOP = 24, LANE = 34, FILLED = 22, FOOT = 48;     // CSS pixels
const ROOM = 66;                // a stretch without an answer that is so wide says so in words
const FONT = "12px system-ui, sans-serif", SMALL_FONT = "bold 10.5px system-ui, sans-serif";
const STEPS = [1, 2, 5, 10, 30, 60, 300, 600, 3600, 7200, 21600, 86400, 604800];                        // s between two numbers
const LEAST_OVERLAP = 0.05;     // s: two holders for less are a handover

export class Timeline {
  /** What is seen: from `left` to `right` (CSS pixels), `span` s from `t0` on.
   *  @type {{left: number, right: number, t0: number, span: number}} */
  axis;
  /** The colours of the page, by name. @type {Record<string, string>} */
  colour;
  /** CSS pixels. @type {number} */
  width;

  /** @param {any} network @param {(t: number) => void} seek */
  constructor(network, seek) {
    this.network = network;
    this.servers = network.hosts.filter((h) => h.server);
    this.span = 30;             // s that are seen; 0 is all
    this.t0 = null;             // where they begin; null: wherever the moment is
    this.node = make("canvas", { class: "vb-line", role: "img" });
    const at = (event) => seek(this.timeAt(event.offsetX));
    this.node.addEventListener("pointerdown", (event) => {
      this.node.setPointerCapture(event.pointerId);
      at(event);
    });
    this.node.addEventListener("pointermove", (event) => { if (event.buttons & 1) at(event); });
  }

  timeAt(x) {
    const { left, right, t0, span } = this.axis;
    return t0 + ((x - left) / (right - left)) * span;
  }

  // `words` say what is seen to somebody who does not see it.
  draw(record, clock, newest, words) {
    const pen = this.begin();
    this.aim(record, clock, newest);
    const { t0, span } = this.axis, until = Math.min(newest, t0 + span);
    this.lanes(pen);
    this.held(pen, record, record.upTo(t0), record.upTo(until), until);
    this.happened(pen, record, record.upTo(t0), record.upTo(until));
    this.numbers(pen, record.start);
    this.cursor(pen, clock);
    set(this.node, "aria-label", `timeline: ${words}`);
  }

  // -- where what is ----------------------------------------------------------------------------

  x(t) {
    const { left, right, t0, span } = this.axis;
    return left + ((Math.min(Math.max(t, t0), t0 + span) - t0) / span) * (right - left);
  }

  get foot() { return TOP + this.servers.length * LANE; }

  // A clean canvas of the right size, and the colours of the page.
  begin() {
    const { node } = this, width = node.clientWidth, height = this.foot + FOOT;
    const scale = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
    if (node.width !== wide || node.height !== high) {
      Object.assign(node, { width: wide, height: high });
      node.style.height = `${height}px`;
    }
    const style = getComputedStyle(node);
    const colour = (name) => style.getPropertyValue(`--vb-${name}`).trim();
    this.colour = Object.fromEntries(["ink", "soft", "lane", "bad", "back"].map((n) => [n, colour(n)]));
    this.width = width;
    const pen = node.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = FONT;
    pen.textBaseline = "middle";
    return pen;
  }

  // Which stretch of time is seen: it goes along with a live clock, and jumps after any other.
  aim(record, clock, newest) {
    const span = this.span || Math.max(10, newest - record.start), now = clock.at;
    if (!this.span) this.t0 = record.start;
    else if (this.t0 === null || now < this.t0 || now > this.t0 + span) this.t0 = now - span * 0.92;
    if (clock.mode === "live" && this.span) this.t0 = Math.max(this.t0, now - span * 0.97);
    this.t0 = Math.max(this.t0, record.start);
    this.axis = { left: LEFT, right: this.width - RIGHT, t0: this.t0, span };
  }

  // -- what is drawn ----------------------------------------------------------------------------

  lanes(pen) {
    this.servers.forEach((h, n) => {
      const y = TOP + n * LANE + 4;
      pen.fillStyle = this.colour.ink;
      pen.fillText(h.name, 6, y + FILLED / 2, LEFT - 12);
      pen.fillStyle = this.colour.lane;
      pen.fillRect(LEFT, y, this.axis.right - LEFT, FILLED);
    });
    pen.fillStyle = this.colour.ink;
    pen.fillText(this.network.client, 6, this.foot + 8, LEFT - 12);
  }

  // Filled lanes; where there are several addresses, a stripe for each.
  held(pen, record, first, last, until) {
    const stripes = this.network.addresses.length, tall = FILLED / stripes;
    const parts = held(record, this.axis.t0, first, last, until);
    for (const { host, a, from, to } of parts) {
      const n = this.servers.findIndex((h) => h.name === host);
      if (n < 0) continue;
      const y = TOP + n * LANE + 4 + a * tall, x = this.x(from);
      pen.fillStyle = this.servers[n].colour;
      pen.fillRect(x, y, Math.max(1.5, this.x(to) - x), tall - (stripes > 1 ? 1 : 0));
      for (const other of parts) {
        const start = Math.max(from, other.from), end = Math.min(to, other.to);
        if (other.host === host || other.a !== a || end - start < LEAST_OVERLAP) continue;
        hatch(pen, this.x(start), y, this.x(end) - this.x(start), tall, this.colour.back);
      }
    }
  }

  // Pings, Advertisements, and what was done; the words of two deeds never overlap.
  happened(pen, record, first, last) {
    const lane = Object.fromEntries(this.servers.map((h, n) => [h.name, TOP + n * LANE + 4]));
    let free = -100;
    for (let n = 0; n < last; n += 1) {
      const e = record.events[n];
      if (e.k === "png" && e.e >= this.axis.t0 && e.a === 0) this.pings(pen, e);
      if (n < first) continue;
      if (e.k === "adv" && e.h in lane) this.advert(pen, this.x(e.t), lane[e.h], e.p === 0);
      else if (e.k === "act") free = this.deed(pen, e, free);
    }
  }

  pings(pen, e) {
    const who = this.servers.find((h) => h.name === e.by), from = this.x(e.t);
    const wide = Math.max(1.5, this.x(Math.max(e.e + 0.01, e.t)) - from);
    pen.fillStyle = e.by ? who?.colour ?? this.colour.soft : this.colour.bad;
    pen.fillRect(from, this.foot + (e.by ? 5 : 2), wide, e.by ? 6 : 12);
    if (e.by || wide < ROOM) return;
    pen.fillStyle = this.colour.back;
    pen.font = SMALL_FONT;
    pen.fillText("no answer", from + 6, this.foot + 8.5);
    pen.font = FONT;
  }

  advert(pen, x, edge, goodbye) {
    pen.fillStyle = this.colour.ink;
    if (goodbye) triangle(pen, x, edge - 8, 5, 8); else pen.fillRect(x - 0.6, edge - 5, 1.2, 6);
  }

  // Where the next words may begin.
  deed(pen, e, free) {
    const x = this.x(e.t), words = deedOf(e), wide = pen.measureText(words).width;
    pen.fillStyle = this.colour.ink;
    pen.fillRect(x - 0.5, 14, 1, this.foot);
    const from = Math.min(x + 3, this.axis.right - wide);
    if (x <= free || from <= free) return free;
    pen.fillText(words, from, 8);
    return from + wide + 8;
  }

  numbers(pen, start) {
    const { t0, span } = this.axis, step = STEPS.find((s) => span / s <= 10) ?? 2592000;
    pen.fillStyle = this.colour.soft;
    pen.textAlign = "center";
    for (let s = Math.ceil((t0 - start) / step) * step; s <= t0 - start + span; s += step) {
      const x = this.x(start + s);
      pen.fillRect(x - 0.5, this.foot + 20, 1, 5);
      pen.fillText(label(s, step), x, this.foot + FOOT - 9);
    }
    pen.textAlign = "left";
  }

  // The moment that is shown; what lies ahead of it is paler.
  cursor(pen, clock) {
    const x = this.x(clock.at);
    pen.fillStyle = this.colour.ink;
    pen.fillRect(x - 1, 16, 2, this.foot + 6);
    triangle(pen, x, 14, 6, 8);
    if (clock.mode === "live") return;
    pen.globalAlpha = 0.55;
    pen.fillStyle = this.colour.back;
    pen.fillRect(x + 1.5, 16, Math.max(0, this.axis.right - x), this.foot + 3);
    pen.globalAlpha = 1;
  }
}

// Who held what from when to when, within [t0, until].
function held(record, t0, first, last, until) {
  const parts = [], since = new Map(), { hosts } = record.at(t0);
  const name = (host, a) => `${host} ${a}`;
  for (const [host, is] of Object.entries(hosts)) for (const a of is.held) since.set(name(host, a), [host, a, t0]);
  const end = (key, to) => {
    const [host, a, from] = since.get(key);
    parts.push({ host, a, from, to });
    since.delete(key);
  };
  for (let n = first; n < last; n += 1) {
    const e = record.events[n], key = name(e.h, e.a);
    if (e.k !== "own") continue;
    if (!e.on && since.has(key)) end(key, e.t);
    else if (e.on && !since.has(key)) since.set(key, [e.h, e.a, e.t]);
  }
  for (const key of [...since.keys()]) end(key, until);
  return parts;
}

// A verb and its host, as they are typed; what happened to a service has no such verb.
export function deedOf(e) {
  if (e.v === "web") return e.x;
  return e.h ? `${e.v} ${e.h}` : e.v;
}

function label(s, step) {
  if (s === 0) return "0 s";
  if (step >= 86400) return `${s / 86400} d`;
  return step >= 3600 ? `${s / 3600} h` : String(s);
}

function triangle(pen, x, y, wide, high) {
  pen.beginPath();
  pen.moveTo(x - wide, y);
  pen.lineTo(x + wide, y);
  pen.lineTo(x, y + high);
  pen.fill();
}

function hatch(pen, x, y, width, height, colour) {
  pen.save();
  pen.beginPath();
  pen.rect(x, y, width, height);
  pen.clip();
  pen.strokeStyle = colour;
  pen.lineWidth = 2.5;
  for (let at = x - height - (x % 9); at < x + width; at += 9) {
    pen.beginPath();
    pen.moveTo(at, y + height);
    pen.lineTo(at + height, y);
    pen.stroke();
  }
  pen.restore();
}
