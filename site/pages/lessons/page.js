// A lesson: predictions, comparisons, the quiz, clusters and challenges, where tools/site_lessons.py
// left a place for them.
//
// What is right is in judged.json, which is fetched when there is something to judge.  A number is
// judged by labs.lessons.predictions in the worker; a choice was judged by it when the site was built.
// Choices are shuffled for each browser, and judged by their texts.
// The panel and Python come when they are asked for: a reader needs neither.

import { answers } from "@site/answers.js";
import { by } from "@site/by.js";
import { marked } from "@site/marked.js";
import { Runtime, root } from "@site/runtime.js";
import { shuffled } from "@site/shuffle.js";

const lesson = by("main").dataset.lesson ?? "";
const memory = answers(lesson);

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

function reply() {
  const node = element("p", { className: "reply" });
  node.setAttribute("role", "status");
  return node;
}

let judging = null;
const judged = () => judging ??= fetch("judged.json").then((answer) => {
  if (!answer.ok) throw new Error(`judged.json: HTTP status ${answer.status}`);
  return answer.json();
}).catch((error) => { judging = null; throw error; });

let python = null;
const runtime = () => python ??= new Runtime();

// -- predictions ------------------------------------------------------------------------------------

let fields = 0;

function prediction(place, { question, unit, choices, ordered }) {
  fields += 1;
  const name = `prediction-${fields}`, shown = reply();
  const group = element("fieldset", {}, element("legend", {}, question));
  if (choices.length) {
    // The order of a scale means something.
    for (const choice of ordered ? choices : shuffled(choices, `${memory.seed} ${question}`)) {
      const radio = element("input", { type: "radio", name, value: choice });
      group.append(element("label", { className: "choice" }, radio, choice));
    }
  } else {
    const field = element("input", { type: "text", name, inputMode: "decimal", autocomplete: "off" });
    field.setAttribute("aria-label", unit ? `your answer in ${unit}` : "your answer");
    group.append(element("span", { className: "row" }, field, unit));
  }
  const button = element("button", { type: "submit" }, "That is my prediction");
  const form = element("form", { className: "card" }, group, button, shown);
  const show = () => {
    const answer = memory.predictions[question], fixed = Boolean(memory.compared[question]);
    group.disabled = button.disabled = fixed;
    if (answer === undefined) shown.textContent = "";
    else shown.textContent = `Your prediction: ${answer}${unit && ` ${unit}`}${fixed ? ", compared below" : ""}`;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = String(new FormData(form).get(name) ?? "").trim();
    if (!given || (!choices.length && !/\d/.test(given))) {
      shown.textContent = choices.length ? "Choose one." : "A number, please.";
      return;
    }
    memory.predictions[question] = choices.length ? given : number(given);
    memory.keep();
  });
  document.addEventListener("answered", show);
  place.replaceChildren(form);
  show();
}

// The number in what was typed, as labs.lessons.predictions.number reads it again.
const number = (text) => text.match(/-?\d+(?:[.,]\d+)?|-?[.,]\d+/)[0].replace(",", ".");

async function verdict(place, { question }) {
  const shown = reply();
  place.replaceChildren(element("div", { className: "card" }, element("p", { className: "soft" }, question), shown));
  let compared;
  const show = async () => {
    if (place.closest(".veil.down")) return;
    const answer = memory.predictions[question];
    if (compared === (answer ?? null)) return;
    compared = answer ?? null;
    shown.textContent = "Comparing with the recorded run …";
    try {
      const found = await comparison(question, answer);
      shown.replaceChildren(...marked(found.text));
      place.dataset.right = String(found.right);
      if (answer !== undefined && !memory.compared[question]) {
        memory.compared[question] = true;         // as in the notebook: it stays as it is from now on
        memory.keep();
      }
    } catch (error) {
      compared = undefined;
      shown.textContent = `This cannot be compared here: ${error.message}`;
    }
  };
  document.addEventListener("answered", show);
  await show();
}

async function comparison(question, answer) {
  const known = (await judged()).predictions[question];
  if (answer === undefined) return { right: null, text: known.nothing };
  if (known.choices[answer]) return known.choices[answer];
  const { choices, nothing, ...told } = known;
  return runtime().call("lessons.judge", { question, answer, ...told });
}

// What follows a commit() is not shown before its questions have answers, or the reader gives up.
function veil(place) {
  const questions = JSON.parse(place.dataset.questions);
  const missing = () => questions.filter((one) => memory.predictions[one] === undefined);
  const list = element("ul");
  const skip = element("button", { type: "button", onclick: () => { memory.skipped = true; memory.keep(); } }, "Show it without a prediction");
  const notice = element("div", { className: "card notice" },
    element("p", {}, element("b", {}, "First say what you expect. "), "The experiment comes after your prediction: only a prediction made before can be a surprise."), list, skip);
  place.before(notice);
  const show = () => {
    const left = memory.skipped ? [] : missing();
    list.replaceChildren(...left.map((one) => element("li", {}, one)));
    notice.hidden = !left.length;
    place.classList.toggle("down", left.length > 0);
    place.hidden = left.length > 0;
  };
  // Before the comparisons inside look whether they are seen.
  document.addEventListener("answered", show, { capture: true });
  show();
}

// -- the quiz ---------------------------------------------------------------------------------------

function quiz(place, { questions }) {
  place.replaceChildren(...questions.map(({ text, choices }, count) => {
    const shown = reply();
    const choose = async (choice) => {
      try {
        const { passed, text: why } = (await judged()).quiz[count][choice];
        shown.replaceChildren(...marked(passed ? `Yes. ${why}` : `Not quite. ${why} Choose another.`));
        shown.dataset.passed = String(passed);
        memory.quiz[text] = choice;
        memory.keep();
      } catch (error) {
        shown.textContent = `This cannot be judged here: ${error.message}`;
      }
    };
    const rows = shuffled(choices, `${memory.seed} ${text}`).map((choice) => element("label", { className: "choice" },
      element("input", { type: "radio", name: `quiz-${count}`, value: choice, checked: memory.quiz[text] === choice, onchange: () => choose(choice) }), choice));
    if (choices.includes(memory.quiz[text])) choose(memory.quiz[text]);
    return element("fieldset", { className: "card" }, element("legend", {}, ...marked(`${count + 1}. ${text}`)), ...rows, shown);
  }));
}

// -- clusters ---------------------------------------------------------------------------------------

let playing = null;          // ends the panel that shows the one run of the worker

// A button that starts a cluster here; `started` and `ended` are called when that has happened.
function cluster(place, opening, { started = () => {}, ended = () => {} } = {}) {
  const status = element("p", { className: "status" });
  status.setAttribute("role", "status");
  const start = element("button", { type: "button", className: "main" }, "Start this cluster in the tab");
  const stage = element("div");
  const end = () => { stage.replaceChildren(); start.hidden = false; status.textContent = ""; ended(); };
  start.addEventListener("click", async () => {
    start.disabled = true;
    status.textContent = "Python is starting …";
    try {
      await play(stage, opening, end);
      start.hidden = true;
      status.replaceChildren("Simulated in this tab, in the state of the lesson: click a cable, a server, a packet. ",
        element("a", { href: new URL("play/index.html", root).href }, "The full lab"));
      started();
    } catch (error) {
      end();
      status.textContent = `The cluster cannot start here: ${error.message}`;
    } finally {
      start.disabled = false;
    }
  });
  place.replaceChildren(stage, element("div", { className: "row" }, start), status);
}

async function play(stage, opening, ended) {
  const [{ mount }, { editor }, { connected }] = await Promise.all([
    import("@panel/bench.js"), import("@site/editor.js"), import("@site/start.js")]);
  await runtime().ready;
  playing?.();
  const run = await runtime().call("player.start", opening);
  const panel = element("div");
  stage.replaceChildren(panel);
  const bench = mount(panel, run, null, { editor });
  panel.bench = bench;                   // for the curious in the console, and for tests
  connected(bench, runtime(), run);
  playing = () => { playing = null; bench.end(); ended(); };
}

async function recorded(place, { run }) {
  const { mount } = await import("@panel/bench.js");
  const answer = await fetch(run);
  if (!answer.ok) throw new Error(`${run}: HTTP status ${answer.status}`);
  const panel = element("div");
  place.replaceChildren(panel, element("p", { className: "soft" }, "A replay: this run was recorded on a real lab."));
  mount(panel, await answer.json(), null);
}

// -- challenges -------------------------------------------------------------------------------------

const HINTS = ["Hint", "Another hint: where to look", "The last hint: nearly the answer"];

function challenge(place, { challenge: name, task, opening }) {
  const stage = element("div"), report = element("div", { className: "report" });
  report.setAttribute("role", "status");
  const button = element("button", { type: "button", hidden: true }, "Check");
  const again = element("button", { type: "button", hidden: true }, "Start again");
  const shown = (on) => { button.hidden = again.hidden = !on; };
  cluster(stage, opening, { started: () => shown(true), ended: () => { shown(false); report.replaceChildren(); } });
  again.addEventListener("click", () => { playing?.(); stage.querySelector("button.main").click(); });
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      draw(report, await runtime().call("lessons.check", { lesson, challenge: name }));
    } catch (error) {
      report.replaceChildren(element("p", { className: "reply" }, `This cannot be checked here: ${error.message}`));
    } finally {
      button.disabled = false;
    }
  });
  const done = element("p", { className: "soft" });
  const remember = () => { done.textContent = memory.passed[name] ? "You have solved this challenge in this browser." : ""; };
  document.addEventListener("answered", remember);
  remember();
  place.replaceChildren(element("div", { className: "card" }, element("h3", {}, `${task}, in this tab`),
    element("p", {}, "Use the panel: cables, daemons, and each server’s keepalived.conf. There is no shell here."),
    done, stage, element("div", { className: "row" }, button, again), report));

  function draw(target, found) {
    if (found.passed) { memory.passed[name] = true; memory.keep(); }
    const count = `${found.met.length} of ${found.met.length + found.unmet.length} steps`;
    const title = element("p", { className: "reply" }, found.passed ? `${found.task}: done.` : `${found.task}: ${count}.`);
    title.dataset.passed = String(found.passed);
    const steps = [...found.met.map((goal) => `✓ ${goal}`), ...found.unmet.map((goal, n) => `${n ? "·" : "→"} ${goal}`)];
    const now = found.passed ? [] : [element("p", { className: "soft" }, ...marked(`Now: ${found.sees}`))];
    const hints = found.hints.reduceRight((inner, hint, n) => {
      const details = element("details", {}, element("summary", {}, HINTS[n]), element("p", {}, ...marked(hint)));
      if (inner) details.append(inner);
      return details;
    }, null);
    target.replaceChildren(title, element("ul", {}, ...steps.map((step) => element("li", {}, step))), ...now, ...(hints ? [hints] : []));
  }
}

const KINDS = { prediction, verdict, quiz, cluster, recorded, challenge };

/** @param {string} selector @returns {HTMLElement[]} */
const every = (selector) => [...document.querySelectorAll(selector)].map((one) => /** @type {HTMLElement} */ (one));

every(".veil").forEach(veil);
every("[data-ask]").forEach((place) => {
  Promise.resolve(KINDS[place.dataset.kind ?? ""](place, JSON.parse(place.dataset.ask ?? ""))).catch((error) => {
    place.append(element("p", { className: "status wrong" }, error.message));
  });
});
by("forget").addEventListener("click", () => { memory.forget(); location.reload(); });
