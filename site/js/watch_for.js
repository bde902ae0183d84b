// What to look at next, in one line that follows what was done.  It reads the panel's record; times
// that are predicted are those of the Master_Down_Timers in it (labs/panel/events.py).

import { holders as holdersOf } from "@panel/record.js";

const seconds = (s) => `${s.toFixed(1)} s`;

/** The line for the moment that `bench` shows. */
export function watchFor(bench) {
  const { network, record, moment } = bench, { scene, count, t } = moment;
  if (!scene) return "";
  const holders = holdersOf(network, scene, 0), address = network.addresses[0];
  const past = record.events.slice(0, count);
  const done = past.findLast((e) => e.k === "act" && e.v !== "start");
  const moved = past.findLast((e) => e.k === "own" && e.a === 0 && e.on);
  if (holders.length > 1) return `Split brain: ${holders.join(" and ")} both hold ${address}. Watch for who answers the client.`;
  const next = nextTakeover(scene, t);
  if (!holders.length || (done && network.hosts.some((h) => h.name === holders[0] && cutOff(scene, h.name)))) {
    return next ? `Watch for ${next.host}: its Master_Down_Timer ends in ${seconds(next.left)}, then it takes ${address}.`
      : `Nobody can take ${address} now. Plug a cable in again, or start a daemon.`;
  }
  if (!done) return `${holders[0]} holds ${address}. Click its cable and count the seconds until the address moves.`;
  if (moved && moved.t > done.t) {
    const after = seconds(moved.t - done.t);
    return done.v === "unplug" || done.v === "cut" || done.v === "crash"
      ? `${moved.h} took over ${after} after the fault. Now undo it: does the address go back?`
      : `${moved.h} took over ${after} after “${done.v} ${done.h ?? ""}”. The log says why.`;
  }
  return next && next.left > 0 && t - done.t < 4 ? `Watch for the ring of ${next.host}: every advertisement starts it again.`
    : `${holders[0]} holds ${address}. Try the other cable, the ⋮ beside it, or click a server.`;
}

function cutOff(scene, host) {
  const [up, carrier] = scene.links[`${host} eth0`] ?? [true, true], now = scene.hosts[host];
  return !up || !carrier || now.pth === "cut" || now.dmn !== "runs";
}

// The Master_Down_Timer that ends first, of a router that can act on it.
function nextTakeover(scene, t) {
  const running = Object.entries(scene.hosts).flatMap(([host, now]) =>
    cutOff(scene, host) ? [] : Object.values(now.tmr).map(([since, wait]) => ({ host, left: since + wait - t })));
  return running.filter((one) => one.left > 0).sort((a, b) => a.left - b.left)[0];
}
