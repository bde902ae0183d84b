// What a tab starts Python with, made by the Python that will run it:
//
//   vrrp-lab.bin    tar: the sources of vrrp-lab.zip, compiled, so that a tab compiles nothing
//   python.bin      Pyodide's memory after the imports, so that a tab starts no interpreter and
//                   imports nothing; a tab that cannot use it starts from vrrp-lab.bin alone
//
// Both are compressed by gzip, which js/worker.js undoes; a name that ends in .gz would make some
// servers promise the browser to undo it.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const COMPILE = `
import io, pathlib, py_compile, tarfile

mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
app = pathlib.Path("/app")
for path in sorted(app.rglob("*.py")):
    name = str(path.relative_to(app))
    py_compile.compile(path, path.with_suffix(".pyc"), name, True, invalidation_mode=mode)
    path.unlink()
with tarfile.open("/vrrp-lab.tar", "w", format=tarfile.USTAR_FORMAT) as archive:
    for path in sorted(path for path in app.rglob("*") if path.is_file()):
        entry = tarfile.TarInfo(str(path.relative_to(app)))
        assert len(entry.name) < 100, entry.name
        entry.size = path.stat().st_size
        archive.addfile(entry, io.BytesIO(path.read_bytes()))
`;

// All that a page can call, and what that imports.  Nothing of this run may remain in the memory that
// every tab starts with: neither a seed of this machine nor the garbage of reading files.
const IMPORT = `
import sys

sys.path.insert(0, "/app")

def bring_in():
    import gc, importlib, pathlib, random

    for package in ("labs/browser", "labs/lessons/course"):
        for path in sorted(pathlib.Path("/app", package).glob("*.pyc")):
            name = path.relative_to("/app").with_suffix("")
            try:
                importlib.import_module(".".join(name.parts).removesuffix(".__init__"))
            except ModuleNotFoundError:
                if package == "labs/browser":
                    raise
                # A lesson about what a tab does not have.
    random.seed(0)
    gc.collect()

bring_in()
del bring_in
`;

/** @returns {Promise<Buffer>} vrrp-lab.bin, of the zip at `place` */
export async function compiled(modules, place) {
  const { loadPyodide } = await import(join(modules, "pyodide/pyodide.mjs"));
  const python = await loadPyodide();
  python.unpackArchive(new Uint8Array(await readFile(place)), "zip", { extractDir: "/app" });
  python.runPython(COMPILE);
  return gzipSync(python.FS.readFile("/vrrp-lab.tar"), { level: 9 });
}

/** @returns {Promise<Buffer>} python.bin, with the files that `write` puts below /app */
export async function snapshot(modules, write) {
  // Emscripten keeps the name of its program in the memory: no path of this machine is to be there.
  process.argv[1] = "python";
  const { loadPyodide } = await import(join(modules, "pyodide/pyodide.mjs"));
  const python = await loadPyodide({ _makeSnapshot: true, env: { PYTHONHASHSEED: "0" } });
  write(python.FS);
  python.runPython(IMPORT);
  wipe(python._module);
  return gzipSync(python.makeMemorySnapshot(), { level: 9 });
}

// What was freed becomes zeros, a tenth of the compressed size.  Blocks of falling size are taken until
// the next one would come from memory that was never used.
function wipe(module) {
  const top = module._malloc(1 << 18), taken = [top];
  for (let size = 1 << 16; size >= 256; size /= 2) {
    for (;;) {
      const at = module._malloc(size);
      taken.push(at);
      if (at >= top) break;
      module.HEAP8.fill(0, at, at + size);
    }
  }
  for (const at of taken) module._free(at);
}
