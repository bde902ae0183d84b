// The bench: one record and one clock, drawn four ways, and the hands that act on the lab.
//
//   ┌ title ───────────────────────── LIVE ┐
//   │  plan.js                  log.js     │      record.js   what has happened
//   │  desk.js (menu, forms)               │      clock.js    which moment is shown
//   │  timeline.js                         │      places.js   where things stand
//   └ controls.js ────────────────────────┘         dom.js      elements
//
// `port` leads to Python (messages: labs/api/panel_widget.py); a page of its own has none: it can only be read.
// A network with `speeds` is one in memory (site/js/lan_port.js): its time is played here, as fast as
// somebody wants, and a click in the past goes back to that moment.

import { Clock } from "./clock.js";
import { Connection, LATE, WORDS } from "./connection.js";
import { Controls } from "./controls.js";
import { Desk } from "./desk.js";
import { download, make, say, set } from "./dom.js";
import { Log } from "./log.js";
import { Pace } from "./pace.js";
import { Plan } from "./plan.js";
import { Moment, Record, holders } from "./record.js";
import { announce, keepButton } from "./sight.js";
import { openTerminal } from "./terminals.js";
import { Timeline } from "./timeline.js";

const VIRTUAL_LAG = 0.08;     // s behind a LAN in this page: its answers take no more
/** @type {Intl.DateTimeFormatOptions} */ const DATE = { dateStyle: "medium", timeStyle: "short" };
class Bench {
  /** @type {Timeline} */ timeline;
  /** @type {Controls} */ controls;
  /** @type {Plan} */ plan;
  /** @type {Log} */ log;
  /** @type {Desk} */ desk;
  /** @type {HTMLElement} */ title;
  /** @type {HTMLElement} */ chip;
  /** @type {HTMLElement} */ told;
  /** @type {IntersectionObserver} */ observer;
  /** @type {Pace} */ pace;
  /** The run that a page plays until Python is there (site/js/start.js). @type {any} */ recording;

  // `tools` may have an editor for keepalived.conf: editor(text, changed) -> {node, value, show, focus}.
  constructor(root, run, port, tools = {}) {
    this.root = root;
    this.port = port;                       // {send(message)}, or null
    this.connection = new Connection(port, Boolean(run.network.beats));
    this.tools = tools;
    this.count = run.n ?? 0;                // of the messages with news
    this.known = !run.unknown;              // whether anything can be said of the lab
    this.saved = run.saved;                 // Unix time of its last news, if a notebook had it
    this.record = new Record(run);
    this.moment = new Moment(this.record);
    this.clock = new Clock(this.record, Boolean(port));
    this.clock.begin(this.record, run.now ?? run.end, performance.now());
    root.classList.add("vb");
    // Jupyter's keys (d d deletes a cell) are not meant while somebody works in here.
    root.setAttribute("data-lm-suppress-shortcuts", "true");
    root.addEventListener("keydown", (event) => event.stopPropagation());
    this.build(run.network);
    if (this.saved) this.seek(this.record.end);
    this.tick(0);                           // once, for a reader that never scrolls here
    this.animate();
  }

  // A page that played a recorded run until now can do things from now on.
  connect(port, run) {
    this.port = this.connection.port = port;
    this.clock.alive = true;
    this.clock.mode = "live";
    this.network = null;                    // whatever it is, it is built again: now it can be clicked
    this.begin(run);
  }

  // Draw as often as is seen, and not at all where the panel is out of sight.
  animate() {
    let visible = true, announced = false;
    this.pace = new Pace();
    this.observer = new IntersectionObserver((seen) => { visible = seen[seen.length - 1].isIntersecting; });
    this.observer.observe(this.root);
    const frame = (now) => {
      if (this.ended) return;
      requestAnimationFrame(frame);
      announced ||= announce(this.root);
      if (visible) this.pace.draw(now, this.clock.virtual, (passed) => this.tick(passed));
    };
    requestAnimationFrame(frame);
  }

  end() {
    this.ended = true;
    this.observer.disconnect();
    this.pace.end();
    this.connection.end();
  }

  // -- messages ---------------------------------------------------------------------------------

  take(message) {
    this.connection.take(message, performance.now());
    if (message.type === "all") this.begin(message);
    else if (message.type === "news") this.news(message);
  }

  // Everything anew: the lab was reset, or this page has missed something.
  begin(run) {
    const { clock, record } = this, { mode, at } = clock;
    const same = JSON.stringify(run.network) === JSON.stringify(this.network);
    const again = same && Math.abs(run.start - record.start) < 1;
    this.count = run.n;
    this.known = true;
    this.record = new Record(run);
    this.moment = new Moment(this.record);
    clock.begin(this.record, run.now, performance.now());
    if (again && mode !== "live") clock.at = at; else clock.mode = "live";
    if (!again) this.timeline.t0 = null;
    if (!same) this.build(run.network);
  }

  news(message) {
    if (message.n > this.count + 1) this.port?.send({ type: "hello", again: true });
    this.count = message.n;
    this.clock.told(message.now, performance.now(), Boolean(message.waits));
    this.record.take(message.events);
    if (message.waits && message.waits !== this.waits) this.tell(message.waits);
    this.waits = message.waits;
  }

  ask(question, more) {
    return this.connection.ask(question, more);
  }

  async act(verb, host, more = {}) {
    const words = [verb, host, ...(more.words ?? [])].filter(Boolean).join(" ");
    this.tell(`${words} …`);
    if (this.clock.mode !== "live" && !this.clock.virtual) this.live();
    const late = () => this.tell(`${words} … ${LATE}`);
    const answer = await this.ask({ type: "do", verb, host, ...more }, { late });
    this.tell(answer.ok ? `done: ${words}` : answer.text, !answer.ok);
  }

  // A packet that was clicked stays where it is; one that is dropped was never received.
  hold() {
    this.clock.mode = "pause";
  }

  async drop(host, vrid, t) {
    const answer = await this.ask({ type: "drop", host, vrid, t });
    this.tell(answer.ok ? `dropped: the Advertisement of ${host} at ${t.toFixed(3)} s` : answer.text, !answer.ok);
  }

  async terminal(host) {
    try {
      this.tell(await openTerminal(host));
    } catch (error) {
      this.tell(`JupyterLab opens no terminal of ${host}: ${error.message ?? error}`, true);
    }
  }

  tell(text, wrong = false) {
    say(this.told, text);
    this.told.classList.toggle("vb-wrong", wrong);
  }

  async save() {
    const answer = await this.ask({ type: "save" });
    if (!answer.ok) { this.tell(answer.text, true); return; }
    const name = answer.name ?? "panel.html";
    download(name, answer.html);
    this.tell(`saved as ${name}, which replays anywhere`);
  }

  // -- the moment -------------------------------------------------------------------------------

  seek(t) {
    this.clock.seek(t, performance.now());
  }

  live() {
    this.clock.follow(performance.now());
  }

  tick(passed) {
    const newest = this.clock.tick(passed, performance.now());
    this.draw(this.moment.to(this.clock.at), newest);
  }

  // The host or cable as it is now, whatever moment is shown: that is what a click acts on.
  // Where time is virtual it is the moment that is shown.
  present() {
    if (this.clock.virtual) return this.record.at(this.clock.at);
    return this.record.at(this.clock.newest(performance.now()));
  }

  // -- building the page ------------------------------------------------------------------------

  build(network) {
    this.network = network;
    this.title = make("h3", { class: "vb-title" });
    this.chip = make("span", { class: "vb-chip" });
    this.told = make("div", { class: "vb-told", role: "status" });
    this.log = new Log(network);
    this.desk = new Desk(this, network.menu ?? []);
    this.timeline = new Timeline(network, (t) => this.seek(t));
    this.clock.virtual = Boolean(network.speeds);
    if (this.clock.virtual) this.clock.lag = VIRTUAL_LAG;
    this.plan = new Plan(network, this.port === null ? {} : {
      press: (c) => this.press(c),
      open: (h, box) => this.desk.open(h.name, this.present().hosts[h.name], box),
      ...(network.terminals && { enter: (h) => this.terminal(h.name) }),
      ...(network.verbs && {
        more: (c) => this.desk.faults(c.h, ["cable", "path"], c.i),
        lan: () => this.desk.faults("", ["lan"]),
        packet: (e) => this.desk.packet(e.f ?? e.h, e.r, e.t),
      }),
    });
    this.controls = new Controls(this);
    this.root.replaceChildren(
      make("div", { class: "vb-head" }, this.title, this.chip, keepButton(Boolean(this.port))),
      make("div", { class: "vb-main" },
        make("div", { class: "vb-stage" }, this.plan.node, this.desk.menu),
        make("div", { class: "vb-side" }, make("h4", {}, "What happened, and why"), this.log.node)),
      this.told, this.desk.node, make("div", { class: "vb-box" }, this.timeline.node), this.controls.node);
  }

  press(c) {
    const [up, carrier] = this.present().links[`${c.h} ${c.i}`] ?? [true, true];
    const more = { interface: c.i };
    if (up) this.act(carrier ? "unplug" : "plug", c.h, more);
    else this.act("link", c.h, { ...more, words: ["up"] });
  }

  // -- drawing ----------------------------------------------------------------------------------

  draw(moment, newest) {
    const { clock, network, record } = this, held = holders(network, moment.scene, 0);
    const state = this.saved ? "recorded" : this.connection.state(performance.now()), is = state ? "was" : "is";
    const holder = this.known ? ` ${is} held by ${held.join(" and ") || "nobody"}` : "";
    say(this.title, `${network.addresses[0]}${holder}`);
    this.title.classList.toggle("vb-wrong", this.known && held.length !== 1);
    this.root.classList.toggle("vb-unknown", !this.known);
    if (state !== (this.state ?? "")) this.tell(WORDS[state] ?? "", Boolean(state) && !this.saved);
    this.state = state;
    const when = this.saved && new Date(this.saved * 1000).toLocaleString([], DATE);
    const mark = { recorded: `RECORDED ${when}`, ended: "ENDED", lost: "NOT CONNECTED" }[state];
    say(this.chip, mark ?? clock.words(newest, network.replay));
    this.chip.classList.toggle("vb-on", clock.mode === "live" && !network.replay && !state);
    this.controls.draw(this.title.textContent, newest);
    this.plan.draw(moment);
    this.timeline.draw(record, clock, newest, `${this.title.textContent} at ${(clock.at - record.start).toFixed(1)} s`);
    this.log.draw(moment);
  }
}

/** The way in for a page of its own; `run` is a network and a record.
 *  @param {HTMLElement} root @param {any} run
 *  @param {{send(message: any): void} | null} port @param {any} tools */
export function mount(root, run, port = null, tools = {}) {
  return new Bench(root, run, port, tools);
}
