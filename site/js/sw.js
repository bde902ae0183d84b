// The service worker: after the first visit every page opens without a network.
//
// `make site` writes FILES and BUILD in front of this.  A build has a cache of its own; the pages of
// one build never see a file of another.  What is not of this build goes to the network, untouched.
// Lessons are many and have pictures: one is kept when it has been opened.

/** @type {ServiceWorkerGlobalScope & {BUILD: string, FILES: string[]}} */
const worker = /** @type {any} */ (self);
const NAME = `vrrp-lab-${worker.BUILD}`;
const HERE = new URL("./", worker.location.href);
const OURS = new Set(worker.FILES.map((path) => new URL(path, HERE).href));
const LATER = new URL("lessons/", HERE).href;

worker.addEventListener("install", (event) => {
  const first = [...OURS].filter((url) => !url.startsWith(LATER));
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(first)));
});

async function answer(request, href) {
  const cache = await caches.open(NAME), found = await cache.match(href);
  if (found) return found;
  const fetched = await fetch(request);
  if (fetched.ok) await cache.put(href, fetched.clone());
  return fetched;
}

worker.addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("vrrp-lab-") && name !== NAME;
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name))))
    .then(() => worker.clients.claim()));
});

worker.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  url.hash = url.search = "";
  if (url.pathname.endsWith("/")) url.pathname += "index.html";
  if (event.request.method !== "GET" || !OURS.has(url.href)) return;
  event.respondWith(answer(event.request, url.href));
});
