// Python in this tab: a worker, and calls of functions in labs/browser.
//
//   const python = new Runtime();
//   await python.ready;                                       // or it rejects with the reason
//   const found = await python.call("election.result", { priorities: [150, 100] });
//   await python.call("risk.runs", { runs: 1000 }, (part) => draw(part));   // a generator's values
//
// A call that fails rejects with a CallError; its message is for people.
// Calls are answered one after another.  `end()` stops Python at once, whatever it does.

/** The root of the site, "" or "../../": pages also live below the path of a project. */
export const root = new URL(document.documentElement.dataset.root ?? ".", document.baseURI);

export class CallError extends Error {
  /** @param {{kind: string, text: string, traceback?: string}} answer */
  constructor(answer) {
    super(answer.text);
    this.name = answer.kind;
    this.traceback = answer.traceback;
  }
}

export class Runtime {
  constructor() {
    /** @type {Map<number, {settle: (answer: any) => void, part?: (value: any) => void}>} */
    this.waiting = new Map();
    this.calls = 0;
    /** ms that the start took, and whether python.bin saved it most of them.
     *  @type {Promise<{boot: number, all: number, restored: boolean}>} */
    this.ready = new Promise((settle, fail) => {
      if (typeof WebAssembly !== "object") {
        throw new Error("this browser runs no WebAssembly, which Python in a tab needs");
      }
      this.worker = new Worker(new URL("worker.js", root), { type: "module" });
      this.worker.onerror = (event) => fail(new Error(event.message || "the worker could not be loaded"));
      this.worker.onmessage = ({ data }) => {
        if (data.ready) settle(data.ready);
        else if (data.failed) fail(new Error(data.failed));
        else this.take(data);
      };
    });
    this.ready.catch(() => {});      // who wants to know awaits it
  }

  /**
   * @param {string} name "module.function" of labs/browser
   * @param {object} args its keyword arguments
   * @param {(value: any) => void} [part] takes what a generator yields
   * @returns {Promise<any>}
   */
  async call(name, args = {}, part) {
    await this.ready;
    this.calls += 1;
    const id = this.calls;
    const answer = await new Promise((settle) => {
      this.waiting.set(id, { settle, part });
      this.worker.postMessage({ id, name, args });
    });
    if (!answer.ok) throw new CallError(answer);
    return answer.result;
  }

  /** @param {{id: number, part?: any, answer?: any}} data */
  take({ id, part, answer }) {
    const call = this.waiting.get(id);
    if (!call) return;
    if (answer === undefined) { call.part?.(part); return; }
    this.waiting.delete(id);
    call.settle(answer);
  }

  end() {
    this.worker?.terminate();
    for (const { settle } of this.waiting.values()) {
      settle({ ok: false, kind: "Ended", text: "Python was stopped" });
    }
    this.waiting.clear();
  }
}
