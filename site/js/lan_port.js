// The panel's way to a LAN in the worker (labs/browser/player.py), where a notebook has anywidget.
//
//   const port = new LanPort(python);
//   port.attach(bench);                     // labs/panel/js/bench.js
//
// Virtual time is played from here: as long as the panel is live and the page is seen, a piece for
// every piece of real time that has passed.  A hidden page stands still, and so does a paused one.

const EVERY = 40;          // ms between two pieces
const LONGEST = 0.25;      // s of real time that one piece makes up for: no rush after a hidden hour

export class LanPort {
  /** @param {import("./runtime.js").Runtime} python */
  constructor(python) {
    this.python = python;
    this.count = 0;
    /** Called after everything that changes the run: a link to it is another one then. */
    this.changed = () => {};
  }

  /** When the last piece was played (ms). @type {number} */ last;
  /** Whether the run stood still then. @type {boolean} */ stopped;

  /** @param {any} bench */
  attach(bench) {
    this.bench = bench;
    this.last = performance.now();
    this.loop();
  }

  async loop() {
    const { bench } = this, now = performance.now();
    const passed = Math.min(LONGEST, (now - this.last) / 1000);
    this.last = now;
    if (bench.ended) return;
    if (bench.clock.mode === "live" && !document.hidden) {
      try {
        this.news(await this.python.call("player.advance", { seconds: passed * bench.clock.speed }));
      } catch (error) {
        bench.tell(error.message, true);
        return;                                         // Python has ended: nothing will come any more
      }
    } else if (!this.stopped) this.stop();
    this.stopped = bench.clock.mode !== "live";
    setTimeout(() => this.loop(), Math.max(4, EVERY - (performance.now() - now)));
  }

  /** What the panel knows is all there is: it may show it to the end. */
  stop() {
    const { clock } = this.bench;
    clock.stop(clock.edge.now, performance.now());
  }

  /** @param {{now: number, events: object[]}} found */
  news(found) {
    this.count += 1;
    this.bench.take({ type: "news", n: this.count, now: found.now, events: found.events });
  }

  /** Another run, or the same one at an earlier moment. */
  whole(run) {
    const { bench } = this;
    bench.take({ type: "all", ...run, n: this.count });
    bench.clock.stop(run.now, performance.now());
    if (bench.clock.mode !== "live") bench.clock.at = run.now;
    this.changed();
  }

  /** The moment that a click means: null is the newest. */
  get at() {
    const { clock } = this.bench;
    return clock.mode === "live" ? null : clock.at;
  }

  /** A message of the panel. */
  async send(message) {
    const answer = { type: "answer", id: message.id };
    try {
      this.bench.take({ ...answer, ok: true, ...await this.answer(message) });
    } catch (error) {
      if (this.at !== null && message.type === "do") this.whole(await this.python.call("player.everything"));
      this.bench.take({ ...answer, ok: false, text: error.message });
    }
  }

  async answer(message) {
    const { python } = this, { host, text, verb, vrid, t } = message;
    switch (message.type) {
      case "hello": this.whole(await python.call("player.everything")); return {};
      case "do": return this.done(await python.call("player.act", { verb, host, words: wordsOf(message), at: this.at }));
      case "write": return this.done(await python.call("player.write", { host, text, at: this.at }));
      case "drop": return this.done(await python.call("player.drop", { host, vrid, t, at: this.bench.clock.at }));
      case "step": return this.step();
      case "packet": return python.call("player.packet", { host, vrid, t });
      case "sent": return { sent: await python.call("player.sent", { limit: 40 }) };
      case "conf": return { text: await python.call("player.conf", { host }) };
      case "check": {
        const marks = await python.call("player.check", { host, text });
        return { marks, remarks: marks.map((each) => each.text) };
      }
      case "run": return { text: await python.call("player.command", { host, line: message.command }) };
      case "save": return { html: await python.call("player.save") };
      default: return {};
    }
  }

  done(found) {
    if (found.whole) this.whole(found.whole);
    else if (found.events) {
      this.news(found);
      this.bench.clock.reach(found.now, performance.now());
      this.changed();
    }
    return { text: "", remarks: (found.remarks ?? []).map((each) => each.text) };
  }

  // To the next thing that happens: first what is known already, then what comes.
  async step() {
    const { bench } = this, { record, clock } = bench;
    if (clock.mode === "live") clock.at = clock.newest(performance.now());
    clock.mode = "pause";
    const seen = record.events.slice(record.upTo(clock.at + 0.0001)).find((e) => e.k !== "png");
    if (seen) { clock.at = seen.t + 0.0005; return {}; }
    const found = await this.python.call("player.step");
    this.news(found);
    clock.stop(found.now, performance.now());
    clock.at = found.now;
    return {};
  }
}

// The words behind a verb; the name of an interface is the last, where it is not eth0.
function wordsOf({ words = [], interface: card = "eth0" }) {
  return card === "eth0" ? words : [...words, card];
}
