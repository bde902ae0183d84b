// The worker: Pyodide, our Python, and the calls of one page.
//
//   page ── {id, name, args} ──> here ── {id, part} ...  {id, answer} ──> page
//        <── {ready: {...}} or {failed: text} once, after the start
//
// Python does not start here: python.bin is its memory after the start and the imports, and
// vrrp-lab.bin has the files (site/python.mjs makes both).  A browser that cannot use that memory
// starts Python as usual, which takes some seconds more.
// Classic imports are not possible in a module worker; the runtime's files lie beside this one.

import { unpack } from "./tar.js";

const start = performance.now();
const at = (path) => new URL(path, self.location.href).href;
const since = () => Math.round(performance.now() - start);

async function unzipped(name) {
  const answer = await fetch(at(name));
  if (!answer.ok || !answer.body) throw new Error(`${name}: HTTP status ${answer.status}`);
  const stream = answer.body.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Pyodide makes room for less memory than Python had after the imports; what is taken here to get
// more of it is overwritten by that memory.
function roomy(create, memory) {
  return async (settings) => {
    const module = await create(settings), { length } = await memory;
    while (module.HEAP8.length < length) {
      if (!module._malloc(1 << 20)) throw new Error("this tab gets no memory for it");
    }
    return module;
  };
}

async function pyodide(memory) {
  const [{ loadPyodide }, { default: create }] = await Promise.all(
    [import(at("pyodide/pyodide.mjs")), import(at("pyodide/pyodide.asm.mjs"))]);
  const indexURL = at("pyodide/");
  try {
    const createPyodideModule = roomy(create, memory);
    return { restored: true, python: await loadPyodide({ indexURL, createPyodideModule, _loadSnapshot: memory }) };
  } catch (error) {
    console.warn(`python.bin is of no use here, so Python starts as usual: ${error}`);
    return { restored: false, python: await loadPyodide({ indexURL, createPyodideModule: create }) };
  }
}

async function boot() {
  const files = unzipped("vrrp-lab.bin");
  const { python, restored } = await pyodide(unzipped("python.bin"));
  const booted = since();
  unpack(python.FS, "/app", await files);
  python.runPython("import random, sys; random.seed(); sys.path[:] = dict.fromkeys(['/app', *sys.path])");
  const rpc = python.pyimport("labs.browser.rpc");
  return { call: rpc.call, ready: { boot: booted, all: since(), restored } };
}

const booting = boot();
booting.then(({ ready }) => self.postMessage({ ready }),
  (error) => self.postMessage({ failed: String(error?.message ?? error) }));

self.onmessage = async ({ data: { id, name, args } }) => {
  try {
    const { call } = await booting;
    const part = (text) => self.postMessage({ id, part: JSON.parse(text) });
    self.postMessage({ id, answer: JSON.parse(call(name, JSON.stringify(args), part)) });
  } catch (error) {
    // Python itself has ended (out of memory, for one): no call will be answered any more.
    self.postMessage({ id, answer: { ok: false, kind: "RuntimeError", text: String(error?.message ?? error) } });
  }
};
