// The controls below the timeline: play, step, live, the moment, the speed, the length, save.
//
// `bench` is the panel: clock, record, timeline, port, seek(t), live(), save(), ask().
// Where time is virtual (the network has `speeds`) the speed is that of the LAN, not of the view.

import { make, say, set } from "./dom.js";

const SPANS = [[15, "15 s"], [30, "30 s"], [60, "1 min"], [300, "5 min"], [0, "all"]];
const RATES = [[1, "real time"], [0.25, "¼ speed"], [0.1, "⅒ speed"]];
// Keys of the slider, beyond those that it has: s forwards; arrows only with Shift.
const FAR = { PageUp: 5, PageDown: -5 };
const STRIDE = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };

export class Controls {
  constructor(bench) {
    this.bench = bench;
    const { clock, network, port, timeline } = bench, { speeds } = network;
    this.play = press("vb-play", () => clock.toggle(performance.now()));
    const step = press("vb-step", () => port.send({ type: "step" }), "Step");
    step.title = "on to the next thing that happens";
    const live = press("vb-live", () => bench.live(), network.replay ? "Latest" : "● Live");
    const save = press("vb-save", () => bench.save(), "Save as HTML");
    live.hidden = save.hidden = !port;
    step.hidden = !port || !speeds;
    this.speed = choice("speed", speeds ?? RATES, clock.rate, (rate) => {
      if (speeds) this.hurry(rate); else clock.slow(rate);
    });
    this.span = choice("length of the timeline", SPANS, timeline.span, (seconds) => this.show(seconds));
    this.slider = make("input", {
      type: "range", class: "vb-slider", min: 0, step: 0.1, "aria-label": "moment",
      oninput: () => bench.seek(bench.record.start + Number(this.slider.value)),
      onkeydown: (event) => this.key(event),
    });
    this.when = make("output", { class: "vb-when" });
    this.node = make("div", { class: "vb-controls" }, this.play, step, live, this.slider, this.when,
      make("span", { class: "vb-more" }, this.speed, this.span, save));
  }

  // `title` says what is seen at the moment that is shown.
  draw(title, newest) {
    const { clock, record } = this.bench, passed = (clock.at - record.start).toFixed(1);
    say(this.play, clock.mode === "pause" ? "▶ Play" : "❚❚ Pause");
    if (this.speed.value !== String(clock.rate)) this.speed.value = String(clock.rate);
    set(this.slider, "max", Math.max(0.1, newest - record.start).toFixed(1));
    this.slider.value = passed;
    say(this.when, `${passed} s`);
    set(this.slider, "aria-valuetext", `${passed} s: ${title}`);
  }

  show(seconds) {
    Object.assign(this.bench.timeline, { span: seconds, t0: null });
    this.span.value = String(seconds);
  }

  // Virtual time passes that fast; a timeline of 30 s is too short to follow a day a second.
  hurry(speed) {
    this.bench.clock.hurry(speed);
    this.show(speed > 100 ? 0 : speed > 10 ? 300 : 30);
  }

  key(event) {
    const { bench } = this, far = FAR[event.key] ?? (event.shiftKey ? STRIDE[event.key] : undefined);
    if (event.key === " ") bench.clock.toggle(performance.now());
    else if (far) bench.seek(bench.clock.at + far);
    else return;
    event.preventDefault();
  }
}

function press(cls, call, text = "") {
  return make("button", { type: "button", class: cls, onclick: call }, text);
}

function choice(label, options, value, change) {
  const list = make("select", { "aria-label": label },
    ...options.map(([each, text]) => make("option", { value: each }, text)));
  list.value = String(value);
  list.addEventListener("change", () => change(Number(list.value)));
  return list;
}
