// What the explorable pages share: their state in the URL's fragment, their controls, the calls of
// Python, and what a screen reader is given.
//
//   const page = new Explorable({ moment: 2.4, priority: 100 }, (state) => ask(state));
//   page.state                      what the controls say; the fragment says the same
//   const ask = page.asker("takeover_moment.takeover", (found, args) => draw(found, args));
//   page.say("The outage is 3.2 s.");
//
// A control is an <input>, <select> or radio group whose `name` is a key of the state.

import { by } from "@site/by.js";
import { keepOffline } from "@site/offline.js";
import { Runtime } from "@site/runtime.js";
import { fromFragment, toFragment } from "./fragment.js";

const QUIET = 500;        // ms without a change before a screen reader is given the sentence

export class Explorable {
  /** @param {Record<string, any>} defaults @param {(state: any) => void} changed */
  constructor(defaults, changed) {
    this.defaults = defaults;
    this.changed = changed;
    this.state = this.linked();
    this.python = new Runtime();
    this.spoken = by("spoken");
    this.problem = by("problem");
    this.bind();
    this.start();
    addEventListener("hashchange", () => {
      if (location.hash.slice(1) !== toFragment(this.state, this.defaults)) {
        this.state = this.linked();
        this.show();
        this.changed(this.state);
      }
    });
  }

  async start() {
    this.report("Python is starting in this tab …");
    try {
      await this.python.ready;
      this.report("");
    } catch (error) {
      this.report(`The figure cannot be computed here: ${error.message}`, true);
    }
    keepOffline();
  }

  report(text, wrong = false) {
    this.problem.textContent = text;
    this.problem.classList.toggle("wrong", wrong);
  }

  /** The state that the fragment names, within what the controls allow. */
  linked() {
    const state = this.state = fromFragment(location.hash, this.defaults);
    for (const control of this.controls()) {
      const { name, type } = control;
      if (type === "range") state[name] = Math.min(Number(control.max), Math.max(Number(control.min), state[name]));
      const options = type === "radio" ? [...document.getElementsByName(name)] : [...(control.options ?? [])];
      if (options.length && !options.some((one) => one.value === String(state[name]))) state[name] = this.defaults[name];
    }
    return state;
  }

  // -- controls -----------------------------------------------------------------------------------

  /** @returns {any[]} fields, lists and buttons whose name is a key of the state */
  controls() {
    const named = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("[name]")]);
    return named.filter((c) => c.name in this.state);
  }

  bind() {
    for (const control of this.controls()) {
      control.addEventListener("input", () => this.take(control));
      control.addEventListener("change", () => this.take(control));
    }
    this.show();
  }

  take(control) {
    if (control.type === "radio" && !control.checked) return;
    const value = control.type === "checkbox" ? control.checked
      : typeof this.defaults[control.name] === "number" ? Number(control.value) : control.value;
    if (value !== this.state[control.name]) this.set({ [control.name]: value });
  }

  /** Change the state; the controls, the fragment and the figure follow. */
  set(values) {
    Object.assign(this.state, values);
    this.show();
    const fragment = toFragment(this.state, this.defaults);
    history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
    this.changed(this.state);
  }

  show() {
    for (const control of this.controls()) {
      const value = this.state[control.name];
      if (control.type === "checkbox") control.checked = value;
      else if (control.type === "radio") control.checked = control.value === String(value);
      else if (control.value !== String(value)) control.value = value;
    }
  }

  /** What is written beside a control, and read with it. */
  label(name, text, spoken = text) {
    const output = document.getElementById(`${name}-value`);
    if (output) output.textContent = text;
    /** @type {HTMLInputElement | null} */
    const control = document.querySelector(`[name="${name}"]`);
    if (control?.type === "range") control.setAttribute("aria-valuetext", spoken);
  }

  // -- answers ------------------------------------------------------------------------------------

  /** Returns ask(args): while one call is at work only the latest of the others waits. */
  asker(name, draw) {
    let busy = false, next = null;
    const run = async (args) => {
      busy = true;
      try {
        draw(await this.python.call(name, args), args);
        this.report("");
      } catch (error) {
        this.report(error.message, true);
      }
      busy = false;
      if (next) { const waiting = next; next = null; run(waiting); }
    };
    return (args) => { if (busy) next = args; else run(args); };
  }

  /** The answer for the first state, computed when the site was built; null for any other state. */
  async first() {
    if (toFragment(this.state, this.defaults)) return null;
    try {
      const answer = await fetch("first.json");
      return answer.ok ? await answer.json() : null;
    } catch {
      return null;
    }
  }

  /** The sentence of the figure, on the page at once and to a screen reader when it rests. */
  say(text) {
    const reading = document.getElementById("reading");
    if (reading) reading.textContent = text;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { if (this.spoken.textContent !== text) this.spoken.textContent = text; }, QUIET);
  }
}

/** Calls draw(width) now and whenever the element becomes wider or narrower. */
export function onWidth(element, draw) {
  let before = 0;
  new ResizeObserver(() => {
    const width = Math.round(element.clientWidth);
    if (width !== before && width > 0) { before = width; draw(width); }
  }).observe(element);
}

/** Lets a pointer set a value by dragging in `element`: move(x) gets the place inside of it. */
export function draggable(element, move) {
  const at = (event) => move(event.clientX - element.getBoundingClientRect().left);
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    at(event);
  });
  element.addEventListener("pointermove", (event) => {
    if (element.hasPointerCapture(event.pointerId)) at(event);
  });
}
