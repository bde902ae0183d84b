// /play: the panel with everything that a LAN in memory can do, and a link that holds the run.

import { by, choiceBy } from "@site/by.js";
import { editor } from "@site/editor.js";
import { LinkError, decoded, encoded } from "@site/link.js";
import { alive, recorded } from "@site/start.js";
import { watchFor } from "@site/watch_for.js";

const SETTLED = 6;               // s after which a cluster that was started has a MASTER
const LONG = 60_000;             // characters of a link that is kept in the address of this page

function say(text, wrong = false) {
  by("status").textContent = text;
  by("status").classList.toggle("wrong", wrong);
}

/** What player.start takes for a link, and the moment to show. */
async function linked() {
  const fragment = location.hash.slice(1);
  if (!fragment) return null;
  const run = await decoded(fragment);
  return { topology: run.t, files: run.f ?? {}, actions: run.a, moment: run.m, shown: run.s };
}

class Play {
  /** @param {any} bench @param {import("@site/runtime.js").Runtime} python @param {import("@site/lan_port.js").LanPort} port */
  constructor(bench, python, port) {
    this.bench = bench;
    this.python = python;
    this.port = port;
    port.changed = () => this.keep();
  }

  /** The whole run as a fragment. */
  async link() {
    const run = await this.python.call("player.everything"), { clock } = this.bench;
    const shown = clock.mode === "live" ? run.now : Math.round(clock.at * 1000) / 1000;
    return encoded({ t: run.network.topology, f: run.files, a: run.actions, m: run.now, s: Math.min(shown, run.now) });
  }

  /** Keeps the run in the address of the page, so that a reload goes on where it was. */
  keep() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.store().catch(() => {}), 400);   // "Copy link" says what is wrong
  }

  async store() {
    const link = await this.link();
    this.own = `#${link}`;
    if (link.length < LONG) history.replaceState(null, "", this.own);
  }

  async copy() {
    const url = new URL(`#${await this.link()}`, location.href).href;
    history.replaceState(null, "", url);
    this.own = new URL(url).hash;
    try {
      await navigator.clipboard.writeText(url);
      say(`copied: a link of ${url.length} characters that shows this moment`);
    } catch {
      say("the address of this page is now the link: copy it from there");
    }
  }

  /** Another run: of a link, or of a topology from its start. */
  async open(wanted) {
    const { shown, ...run } = wanted;
    const found = await this.python.call("player.start", run);
    this.bench.clock.mode = "live";
    this.port.whole(found);
    show(this.bench, shown, found.now);
    choiceBy("topology").value = run.topology;
  }
}

/** A link to a moment stands still there. */
function show(bench, shown, now) {
  if (shown === undefined) return;
  bench.clock.stop(now, performance.now());
  bench.clock.mode = "pause";
  bench.clock.at = Math.min(shown, now);
}

async function start() {
  const wanted = await linked().catch((error) => {
    if (!(error instanceof LinkError)) throw error;
    say(error.message, true);
    return null;
  });
  const broken = by("status").classList.contains("wrong");
  const { bench, python } = await recorded(by("panel"), { editor });
  const { shown, ...run } = wanted ?? { shown: undefined, topology: "", moment: 0 };
  const port = await alive(bench, python, wanted ? run : undefined).catch(async (error) => {
    if (!wanted || error.name === "Error") throw error;
    say(`this link cannot be played: ${error.message}`, true);
    return alive(bench, python);
  });
  const play = new Play(bench, python, port);
  if (wanted && bench.network.topology === run.topology) show(bench, shown, run.moment);
  for (const { name, title } of await python.call("player.topologies")) by("topology").append(new Option(title, name));
  choiceBy("topology").value = bench.network.topology;
  if (!broken && !by("status").classList.contains("wrong")) say("");
  listen(play);
  setInterval(() => {
    const words = watchFor(bench);
    if (!document.hidden && words !== by("watch").textContent) by("watch").textContent = words;
  }, 250);
}

function listen(play) {
  const trying = (call) => call().catch((error) => say(error.message, true));
  by("bar").addEventListener("submit", (event) => event.preventDefault());
  by("topology").addEventListener("change", () => trying(() => play.open({ topology: choiceBy("topology").value, moment: SETTLED })));
  by("again").addEventListener("click", () => trying(async () => {
    await play.open({ topology: choiceBy("topology").value, moment: SETTLED });
    say("started again, with the files that it came with");
  }));
  by("copy").addEventListener("click", () => trying(() => play.copy()));
  document.addEventListener("visibilitychange", () => { if (document.hidden) play.keep(); });
  addEventListener("hashchange", () => trying(async () => {
    if (location.hash === play.own) return;
    const wanted = await linked();
    if (wanted) await play.open(wanted);
  }));
}

start().catch((error) => say(`This is a recorded run. The live lab cannot start here: ${error.message}`, true));
