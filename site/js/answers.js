// What a learner answered in one lesson, in this browser's localStorage and nowhere else.
//
//   const memory = answers("07-failover");
//   memory.predictions[question] = "3.1";
//   memory.keep();                           // stores it; "answered" is dispatched on the document
//   memory.seed                              // what the order of choices is made of, until forgotten
//
// A browser that refuses to store remembers until the page is left.  Two tabs of one lesson add to
// what the other has stored.

const PARTS = ["predictions", "compared", "quiz", "passed"];

/** @param {string} lesson */
export function answers(lesson) {
  const key = `vrrp-lab ${lesson}`;

  const stored = () => {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "{}") ?? {};
    } catch {
      return {};                              // refused, or not ours
    }
  };

  const memory = {
    predictions: {}, compared: {}, quiz: {}, passed: {}, skipped: false, seed: "",
    /** Take what another tab has stored; what was answered here counts. */
    merge() {
      const known = stored();
      for (const part of PARTS) memory[part] = { ...known[part], ...memory[part] };
      memory.skipped = memory.skipped || Boolean(known.skipped);
      memory.seed = memory.seed || String(known.seed ?? "");
    },
    store() {
      try { localStorage.setItem(key, JSON.stringify(memory)); } catch { /* until the page is left */ }
    },
    keep() {
      memory.merge();
      memory.store();
      document.dispatchEvent(new Event("answered"));
    },
    forget() {
      try { localStorage.removeItem(key); } catch { /* nothing was stored */ }
    },
  };
  memory.merge();
  if (!memory.seed) {
    memory.seed = String(Math.random()).slice(2);
    memory.store();                           // the next visit shows the same order
  }
  addEventListener("storage", (event) => {
    if (event.key !== key || event.newValue === null) return;
    memory.merge();
    document.dispatchEvent(new Event("answered"));
  });
  return memory;
}
