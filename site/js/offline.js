// Registers the service worker; a browser that refuses it (private windows, file:) only loses
// offline use, so nothing is reported.

import { root } from "./runtime.js";

/** Call it when the page has what it needs, or the first visit waits for two downloads. */
export function keepOffline() {
  navigator.serviceWorker?.register(new URL("sw.js", root), { scope: root.pathname }).catch(() => {});
}
