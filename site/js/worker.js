// The worker: Pyodide, our Python from vrrp-lab.zip, and the calls of one page.
//
//   page ── {id, name, args} ──> here ── {id, part} ...  {id, answer} ──> page
//        <── {ready: {...}} or {failed: text} once, after the start
//
// Classic imports are not possible in a module worker; the runtime's files lie beside this one.

const start = performance.now();
const at = (path) => new URL(path, self.location.href).href;

async function boot() {
  const [{ loadPyodide }, zip] = await Promise.all([
    import(at("pyodide/pyodide.mjs")),
    fetch(at("vrrp-lab.zip")).then((answer) => {
      if (!answer.ok) throw new Error(`vrrp-lab.zip: HTTP status ${answer.status}`);
      return answer.arrayBuffer();
    }),
  ]);
  const python = await loadPyodide({ indexURL: at("pyodide/") });
  const booted = performance.now();
  python.unpackArchive(zip, "zip", { extractDir: "/app" });
  python.runPython("import sys; sys.path.insert(0, '/app')");
  const rpc = python.pyimport("labs.browser.rpc");
  const ms = { boot: Math.round(booted - start), all: Math.round(performance.now() - start) };
  return { call: rpc.call, ms };
}

const booting = boot();
booting.then(({ ms }) => self.postMessage({ ready: ms }),
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
