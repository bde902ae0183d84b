// A run as text behind the # of an address: "1." and base64url of gzip of JSON.
//
//   {"t": topology, "f": {host: keepalived.conf}, "a": [[ms, verb, word...]], "m": s, "s": s}
//
// `f` has only the files that are not the topology's own, `m` is how far the run has come, `s` the
// moment that is shown.  gzip carries a checksum and a length, so that a link that was cut off or
// changed on its way is noticed.  Nothing of it goes to a server: a fragment stays in the browser.

const VERSION = "1";
const LONGEST = 1_000_000;          // characters of a link that are read, and of what is in it × 10

export class LinkError extends Error {}

// CompressionStream came later than module workers: a browser may run the lab and make no links.
function needs(name) {
  if (typeof globalThis[name] !== "function") {
    throw new LinkError(`this browser has no ${name}, which a link needs: use Chrome or Edge 80, Firefox 113, Safari 16.4, or later`);
  }
}

/** @param {object} run */
export async function encoded(run) {
  needs("CompressionStream");
  const stream = new Blob([JSON.stringify(run)]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let text = "";
  for (let n = 0; n < bytes.length; n += 8192) text += String.fromCharCode(...bytes.subarray(n, n + 8192));
  return `${VERSION}.${btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")}`;
}

/** The run of a fragment (without "#"); LinkError with words for people. */
export async function decoded(fragment) {
  const [version, data = ""] = fragment.split(".", 2);
  if (!/^\d+$/.test(version)) throw new LinkError("this is not a link to a run of VRRP Lab");
  if (Number(version) > Number(VERSION)) {
    throw new LinkError(`this link was made by a newer VRRP Lab (format ${version}; this page reads ${VERSION}): reload the page, or open it where the link comes from`);
  }
  needs("DecompressionStream");
  if (fragment.length > LONGEST) throw new LinkError("this link is too long to be one of a run");
  const run = await unpacked(data).catch(() => {
    throw new LinkError("this link is cut off or was changed on its way: ask for it again, whole");
  });
  if (typeof run !== "object" || typeof run?.t !== "string" || !Array.isArray(run.a)
    || ![run.m, run.s].every((each) => Number.isFinite(each) && each >= 0)) {
    throw new LinkError("this link holds no run of VRRP Lab");
  }
  return run;
}

async function unpacked(data) {
  const raw = atob(data.replace(/-/g, "+").replace(/_/g, "/"));
  const bytes = Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const parts = [];
  for (let size = 0; ;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > 10 * LONGEST) throw new Error("too large");     // a small link that unpacks to a lot
    parts.push(value);
  }
  return JSON.parse(await new Blob(parts).text());
}
