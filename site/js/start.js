// How a page with a panel starts: a recorded run at once, Python meanwhile, then the same run live.
//
// The recorded run is one that Python computed at `make site` from a topology and actions.  So a live
// run of the same actions up to the moment that is shown is the same run, and nobody sees the change.

import { mount } from "@panel/bench.js";
import { LanPort } from "@site/lan_port.js";
import { keepOffline } from "@site/offline.js";
import { Runtime, root } from "@site/runtime.js";

/**
 * @param {HTMLElement} place
 * @param {object} [tools] of the panel: an editor
 * @returns {Promise<{bench: any, python: Runtime}>} while the recorded run plays
 */
export async function recorded(place, tools) {
  const python = new Runtime();
  const run = await (await fetch(new URL("recorded.json", root))).json();
  const bench = mount(place, run, null, tools);
  bench.recording = run;
  Object.assign(place, { bench });       // for the curious in the console, and for tests
  bench.clock.at = run.first;
  bench.clock.toggle(performance.now());
  return { bench, python };
}

/** Makes the panel live; rejects with the reason if Python cannot start, and the recording plays on. */
export async function alive(bench, python, wanted) {
  await python.ready;
  const { topology, actions } = bench.recording, now = Math.round(bench.clock.at * 1000) / 1000;
  const same = { topology, actions, moment: Math.max(now, bench.recording.first) };
  return connected(bench, python, await python.call("player.start", wanted ?? same));
}

/** The panel shows a run of Python's from now on. */
export function connected(bench, python, run) {
  const port = new LanPort(python);
  bench.connect(port, { ...run, n: 0 });
  port.attach(bench);
  keepOffline();
  return port;
}
