// What happened, and why: what somebody did, and the daemons' own words about it.

import { make } from "./dom.js";

const MAX_LINES = 60;

export class Log {
  constructor(network) {
    this.network = network;
    this.list = make("ol");
    this.node = make("div", {
      class: "vb-log", role: "log", "aria-label": "what happened, and why", tabindex: "0",
    }, this.list);
  }

  // Lines that are there already stay: a screen reader says only what is new.
  draw({ record, count, version }) {
    const seen = `${version} ${count} ${record.start} ${this.node.clientHeight}`;
    if (seen === this.seen) return;
    this.seen = seen;
    const rows = [];
    for (let n = count - 1; n >= 0 && rows.length < MAX_LINES; n -= 1) {
      const e = record.events[n];
      if (e.k === "act" || (e.k === "st" && e.f !== e.to)) rows.unshift(e);
    }
    const known = new Map([...this.list.children].map((line) => [line.dataset.id, line]));
    const wanted = rows.map((e) => known.get(id(e)) ?? this.line(e, record.start));
    for (const line of [...this.list.children]) if (!wanted.includes(line)) line.remove();
    wanted.forEach((line, n) => {
      const there = this.list.children[n] ?? null;
      if (there !== line) this.list.insertBefore(line, there);
    });
    this.node.scrollTop = this.node.scrollHeight;
  }

  line(e, start) {
    const when = make("time", {}, `${(e.t - start).toFixed(1)} s`);
    const row = make("li", { "data-id": id(e), class: `vb-${e.k}` }, when);
    if (e.k === "act") {
      row.append(make("span", {}, e.x));
      return row;
    }
    const name = make("b", {}, e.h), host = this.network.hosts.find((h) => h.name === e.h);
    if (host?.colour) name.style.setProperty("--host", host.colour);
    const why = e.why ? make("em", {}, e.why) : null;
    row.append(make("span", {}, name, ` (${e.i}) ${e.f} → ${e.to}`, why));
    return row;
  }
}

const id = (e) => `${e.t} ${e.h} ${e.k} ${e.v ?? e.to} ${e.i ?? ""}`;
