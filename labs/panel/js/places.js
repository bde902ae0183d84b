// Where things are drawn: the arithmetic of the plan, in the units of its SVG.
//
//        servers          one switch: its servers above it, all others below
//     ═══ switch ═══      two: the hosts of the first above, of the second below,
//         others          and those that have a cable to both (the routers) between them
//
// Nothing here draws.

export const BOX = { w: 196, h: 104 };    // a server; a client is as wide and SMALL high
export const SMALL = 64;
export const BAR = 30;                    // the height of a switch
export const BADGE = 26;                  // the height of an address that somebody holds
const CABLE = 74;                         // the length of a cable
const SIDE = 20, EDGE = 10, NARROWEST = 500;
const BADGES = 3;                         // as many addresses of a host as fit above it
const APART = 30;                         // two cables of a host to one switch, from its middle
const CLIMB = 0.6;                        // the part of a dot's way that is up or across

// {width, height, hosts: {name: {x, y, h}}, bars: {switch: {y}}}; x is the middle, y the top.
export function placed(network) {
  const rows = rowsOf(network);
  const most = Math.max(...rows.filter(Array.isArray).map((row) => row.length));
  const width = Math.max(NARROWEST, most * (BOX.w + 2 * SIDE));
  const spot = { hosts: {}, bars: {}, width, height: 0 };
  let y = EDGE;
  rows.forEach((row, n) => {
    if (!Array.isArray(row)) {
      spot.bars[row] = { y };
      y += BAR + (rows[n + 1]?.length ? CABLE : EDGE);
      return;
    }
    if (!row.length) return;
    const small = row.every((h) => !h.server);
    y += small ? 0 : BADGE * Math.min(BADGES, network.addresses.length) / 2;
    row.forEach((h, at) => {
      const x = (width / row.length) * (at + 0.5);
      spot.hosts[h.name] = { x, y, h: small ? SMALL : BOX.h };
    });
    y += (small ? SMALL : BOX.h) + (n < rows.length - 1 ? CABLE : EDGE);
  });
  spot.height = y;
  return spot;
}

// From top to bottom: a list of hosts, or the name of a switch.
function rowsOf(network) {
  const joined = {};
  for (const c of network.cables) (joined[c.h] ??= new Set()).add(c.s);
  const on = (h, name) => joined[h.name]?.has(name);
  const [first, second] = network.switches, { hosts } = network;
  if (!second) return [hosts.filter((h) => h.server), first, hosts.filter((h) => !h.server)];
  const both = hosts.filter((h) => on(h, first) && on(h, second));
  return [hosts.filter((h) => on(h, first) && !both.includes(h)), first,
    both, second, hosts.filter((h) => on(h, second) && !both.includes(h))];
}

// Each cable with its line: x, from `top` to `bottom`; `at` is its end at the host, `bar` the other.
export function cablesOf(network, spot) {
  return network.cables.map((c) => {
    const box = spot.hosts[c.h], bar = spot.bars[c.s].y, below = bar > box.y;
    const several = network.cables.filter((o) => o.h === c.h && o.s === c.s).length > 1;
    const x = box.x + (several ? (c.i === "eth0" ? -APART : APART) : 0);
    const top = below ? box.y + box.h : bar + BAR, bottom = below ? bar : box.y;
    return { ...c, x, top, bottom, at: below ? top : bottom, bar: below ? bar : bar + BAR };
  });
}

// Where something is after `part` (0 to 1) of its way from a host to another, or to its switch.
export function way(cables, from, to, part) {
  const meets = (c) => cables.some((o) => o.h === to && o.s === c.s);
  const a = cables.find((c) => c.h === from && (!to || meets(c)));
  if (!a) return null;
  if (!to) return { x: a.x, y: a.at + (a.bar - a.at) * part };
  const b = cables.find((c) => c.h === to && c.s === a.s);
  const along = (start, end, share) => start + (end - start) * share;
  return part < CLIMB
    ? { x: along(a.x, b.x, part / CLIMB), y: along(a.bar, b.bar, part / CLIMB) }
    : { x: b.x, y: along(b.bar, b.at, (part - CLIMB) / (1 - CLIMB)) };
}

// Where each badge stands: above who holds the address, or at the switch if nobody does.
// `held` has the holders of each address, and `rank` says how many other badges a host has below.
export function badgesOf(spot, addresses, held, rank) {
  return addresses.slice(0, BADGES).flatMap((address, a) => {
    const holders = held[a];
    if (!holders.length) {
      const bar = Object.values(spot.bars)[0];
      return [{ text: `nobody: ${address}`, x: spot.width / 2, y: bar.y + BAR / 2, is: "lost" }];
    }
    const two = holders.length > 1;
    return holders.map((name) => {
      const { x, y } = spot.hosts[name];
      const text = two ? `⚠ ${address}` : address;
      return { text, x, y: y - rank(name, a) * (BADGE - 2), is: two ? "two" : "one" };
    });
  });
}
