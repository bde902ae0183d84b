// The service worker: after the first visit every page opens without a network.
//
// `make site` writes FILES and BUILD in front of this.  A build has a cache of its own; the pages of
// one build never see a file of another.  What is not of this build goes to the network, untouched.

/** @type {ServiceWorkerGlobalScope & {BUILD: string, FILES: string[]}} */
const worker = /** @type {any} */ (self);
const NAME = `vrrp-lab-${worker.BUILD}`;
const HERE = new URL("./", worker.location.href);
const OURS = new Set(worker.FILES.map((path) => new URL(path, HERE).href));

worker.addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll([...OURS])));
});

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
  event.respondWith(caches.open(NAME)
    .then((cache) => cache.match(url.href))
    .then((found) => found ?? fetch(event.request)));
});
