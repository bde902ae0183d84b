// A lesson: predictions, comparisons, the quiz and clusters, where tools/site_lessons.py left a place.
//
// Answers stay in localStorage; a browser that refuses it remembers them until the page is left.
// What is right is in judged.json, which is fetched when there is something to judge.  A number is
// judged by labs.lessons.predictions in the worker; a choice was judged by it when the site was built.

import { mount } from "@panel/bench.js";
import { editor } from "@site/editor.js";
import { keepOffline } from "@site/offline.js";
import { Runtime } from "@site/runtime.js";
import { connected } from "@site/start.js";

const lesson = document.querySelector("main").dataset.lesson;
const KEY = `vrrp-lab ${lesson}`;

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

// -- what the learner answered ----------------------------------------------------------------------

function stored() {
  try {
    const known = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return { predictions: { ...known?.predictions }, skipped: Boolean(known?.skipped) };
  } catch {
    return { predictions: {}, skipped: false };     // refused, or not ours
  }
}

const memory = stored();

function keep() {
  try { localStorage.setItem(KEY, JSON.stringify(memory)); } catch { /* refused: until the page is left */ }
  document.dispatchEvent(new Event("answered"));
}

let judging = null;
const judged = () => judging ??= fetch("judged.json").then((answer) => {
  if (!answer.ok) throw new Error(`judged.json: HTTP status ${answer.status}`);
  return answer.json();
});

let python = null;
const runtime = () => python ??= new Runtime();

// -- predictions ------------------------------------------------------------------------------------

let fields = 0;

function prediction(place, { question, unit, choices }) {
  fields += 1;
  const name = `prediction-${fields}`, told = element("p", { className: "told" });
  told.setAttribute("role", "status");
  const form = element("form", { className: "card" });
  const group = element("fieldset", {}, element("legend", {}, question));
  if (choices.length) {
    for (const choice of choices) {
      const radio = element("input", { type: "radio", name, value: choice });
      group.append(element("label", { className: "choice" }, radio, choice));
    }
  } else {
    const field = element("input", { type: "text", name, inputMode: "decimal", autocomplete: "off" });
    field.setAttribute("aria-label", unit ? `your answer in ${unit}` : "your answer");
    group.append(element("span", { className: "row" }, field, unit));
  }
  const show = () => {
    const answer = memory.predictions[question];
    if (answer !== undefined) told.textContent = `Your prediction: ${answer}${unit && ` ${unit}`}`;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = String(new FormData(form).get(name) ?? "").trim();
    if (!given || (!choices.length && !/\d/.test(given))) {
      told.textContent = choices.length ? "Choose one." : "A number, please.";
      return;
    }
    memory.predictions[question] = choices.length ? given : number(given);
    show();
    keep();
  });
  form.append(group, element("button", { type: "submit" }, "That is my prediction"), told);
  show();
  place.replaceChildren(form);
}

// The number in what was typed, as labs.lessons.predictions.number reads it again.
const number = (text) => text.match(/-?\d+(?:[.,]\d+)?|-?[.,]\d+/)[0].replace(",", ".");

async function comparison(place, { question }) {
  const told = element("p", { className: "told" });
  told.setAttribute("role", "status");
  place.replaceChildren(element("div", { className: "card verdict" }, element("p", { className: "soft" }, question), told));
  let shown;
  const show = async () => {
    if (place.closest(".veil.down")) return;
    const answer = memory.predictions[question];
    if (shown === (answer ?? null)) return;
    shown = answer ?? null;
    told.textContent = "Comparing with the recorded run …";
    try {
      const found = await compared(question, answer);
      told.textContent = found.text;
      place.dataset.right = String(found.right);
    } catch (error) {
      told.textContent = `This cannot be compared here: ${error.message}`;
    }
  };
  document.addEventListener("answered", show);
  await show();
}

async function compared(question, answer) {
  const known = (await judged()).predictions[question];
  if (answer === undefined) return { right: null, text: known.nothing };
  if (known.choices[answer]) return known.choices[answer];
  const { unit, measured, because } = known;
  return runtime().call("lessons.judge", { question, answer, unit, measured, because });
}

// What follows a commit() is not shown before its questions have answers, or the reader gives up.
function veil(place) {
  const questions = JSON.parse(place.dataset.questions);
  const missing = () => questions.filter((one) => memory.predictions[one] === undefined);
  const list = element("ul");
  const skip = element("button", { type: "button", onclick: () => { memory.skipped = true; keep(); } }, "Show it without a prediction");
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

function shuffled(list) {
  const found = [...list];
  for (let n = found.length - 1; n > 0; n -= 1) {
    const other = Math.floor(Math.random() * (n + 1));
    [found[n], found[other]] = [found[other], found[n]];
  }
  return found;
}

function quiz(place, { questions }) {
  place.replaceChildren(...questions.map(({ text, choices }, number) => {
    const told = element("p", { className: "told" });
    told.setAttribute("role", "status");
    const choose = async (choice) => {
      try {
        const { passed, text: why } = (await judged()).quiz[number][choice];
        told.textContent = passed ? `Yes. ${why}` : `Not quite. ${why} Choose another.`;
        told.dataset.passed = String(passed);
      } catch (error) {
        told.textContent = `This cannot be judged here: ${error.message}`;
      }
    };
    const rows = shuffled(choices).map((choice) => element("label", { className: "choice" },
      element("input", { type: "radio", name: `quiz-${number}`, value: choice, onchange: () => choose(choice) }), choice));
    return element("fieldset", { className: "card" }, element("legend", {}, `${number + 1}. ${text}`), ...rows, told);
  }));
}

// -- clusters ---------------------------------------------------------------------------------------

let playing = null;          // one run in the worker: the panel that shows it

function cluster(place, opening) {
  const status = element("p", { className: "status" });
  status.setAttribute("role", "status");
  const start = element("button", { type: "button", className: "main" }, "Start this cluster in the tab");
  const room = element("div");
  start.addEventListener("click", async () => {
    start.disabled = true;
    status.textContent = "Python is starting …";
    try {
      await play(room, opening, () => { start.hidden = false; start.disabled = false; });
      start.hidden = true;
      status.replaceChildren("Simulated in this tab, from the state of the lesson: click a cable, a server, a packet. ",
        element("a", { href: new URL("play/index.html", new URL(document.documentElement.dataset.root, document.baseURI)).href }, "The full lab"));
    } catch (error) {
      start.disabled = false;
      status.textContent = `The cluster cannot start here: ${error.message}`;
    }
  });
  place.replaceChildren(room, element("div", { className: "row" }, start), status);
}

async function play(room, opening, ended) {
  const run = await runtime().call("player.start", opening);
  playing?.();
  const root = element("div", { className: "panel-room" });
  room.replaceChildren(root);
  const bench = mount(root, run, null, { editor });
  root.bench = bench;
  connected(bench, runtime(), run);
  playing = () => { bench.end(); room.replaceChildren(); ended(); };
}

async function recorded(place, { run }) {
  const answer = await fetch(run);
  const root = element("div", { className: "panel-room" });
  place.replaceChildren(root, element("p", { className: "soft" }, "A replay: this run was recorded on a real lab."));
  mount(root, await answer.json(), null);
}

const KINDS = { prediction, verdict: comparison, quiz, cluster, recorded };

document.querySelectorAll(".veil").forEach(veil);
document.querySelectorAll("[data-ask]").forEach((place) => {
  Promise.resolve(KINDS[place.dataset.kind](place, JSON.parse(place.dataset.ask))).catch((error) => {
    place.append(element("p", { className: "status wrong" }, error.message));
  });
});
keepOffline();
