// Builds the browser edition: node site/build.mjs NODE_MODULES TARGET MADE (tools/site.sh calls it).
//
//   site/pages/**/index.html   the body of a page, with a comment of "key: value" lines first
//            .../page.js       its program, bundled with what it imports; page.css its style
//   MADE/**/index.html         the same for pages that were made (tools/site_lessons.py): "program: ../page"
//                              leads to the page.js and page.css of site/pages, "outputs: " to a style sheet
//   site/shell.html            around every body; {root} leads from the page to the site's root
//   site/js/worker.js, sw.js   bundled to the site's root
//
// In a page's program "@panel/..." is labs/panel/js, "@site/..." is site/js.

import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

import { unpack } from "./js/tar.js";
import { compiled, snapshot } from "./python.mjs";

const SITE = dirname(fileURLToPath(import.meta.url));
const REPOSITORY = dirname(SITE);
const [modules, target, made] = process.argv.slice(2).map((path) => resolve(path));
const esbuild = createRequire(join(modules, "x.js"))("esbuild");

const PYODIDE = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "pyodide-lock.json", "python_stdlib.zip"];
// Python needs WebAssembly; everything comes from where the page comes from.
const CSP = ["default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'",
  "img-src 'self' data: blob:", "connect-src 'self'", "worker-src 'self'", "base-uri 'none'",
  "form-action 'none'"].join("; ");
const escape = (text) => text.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");

async function files(place) {
  const found = await readdir(place, { withFileTypes: true });
  const inner = await Promise.all(found.map((entry) => {
    const path = join(place, entry.name);
    return entry.isDirectory() ? files(path) : [path];
  }));
  return inner.flat().sort();
}

// Where the site is on its server, for 404.html: "/", or "/vrrp-lab/" where it is not at the top.
const ROOT = process.env.SITE_ROOT || "/";
if (!/^\/(.*\/)?$/.test(ROOT)) throw new Error(`SITE_ROOT=${ROOT}: a path that begins and ends with /`);

// {path, folder, root, body, title, description, nav}: one page.
async function page(base, path, all) {
  const text = await readFile(path, "utf8"), folder = dirname(path);
  const head = text.match(/^<!--\n(.*?)-->\n/s);
  if (!head) throw new Error(`${path}: begins with a comment of "title: ..." lines`);
  const keys = Object.fromEntries(head[1].trim().split("\n").map((line) => {
    const [key, ...value] = line.split(": ");
    return [key, value.join(": ")];
  }));
  for (const key of ["title", "description"]) if (!keys[key]) throw new Error(`${path}: no "${key}: ..."`);
  const place = keys.file ? "" : relative(base, folder);
  // A page that a server shows at any address it does not know cannot lead to others relative to itself.
  const root = keys.file ? ROOT : place ? "../".repeat(place.split("/").length) : "./";
  const has = (name) => all.includes(join(folder, name));
  const own = { script: has("page.js"), style: has("page.css") };
  return { ...keys, place, root, body: text.slice(head[0].length), ...own };
}

function nav(pages, current) {
  const shown = pages.filter((each) => each.nav).sort((a, b) => Number(a.order) - Number(b.order));
  return shown.map((each) => {
    const here = each === current ? ' aria-current="page"' : "";
    return `<a href="${current.root}${each.place ? `${each.place}/` : ""}index.html"${here}>${escape(each.nav)}</a>`;
  }).join("\n");
}

async function writePages(pages, version) {
  const shell = await readFile(join(SITE, "shell.html"), "utf8");
  for (const each of pages) {
    const values = {
      root: each.root, csp: CSP, title: escape(each.title), description: escape(each.description),
      styles: [each.style && "page.css", each.program && `${each.program}.css`, each.outputs].filter(Boolean)
        .map((href) => `<link rel="stylesheet" href="${href}">`).join("\n"),
      scripts: each.script || each.program
        ? `<script type="module" src="${each.program ?? "page"}.js"></script>` : "",
      nav: nav(pages, each), body: each.body.replaceAll("{root}", each.root), version,
    };
    const text = shell.replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
    await mkdir(join(target, each.place), { recursive: true });
    await writeFile(join(target, each.place, each.file ?? "index.html"), text);
  }
}

async function bundle(all) {
  const shared = {
    bundle: true, format: "esm", target: ["chrome111", "firefox114", "safari16.4"], minify: true,
    nodePaths: [modules], logLevel: "warning", legalComments: "eof",
    alias: { "@panel": join(REPOSITORY, "labs/panel/js"), "@site": join(SITE, "js") },
  };
  const entry = (name) => all.filter((path) => path.endsWith(`/${name}`));
  await esbuild.build({
    ...shared, entryPoints: [...entry("page.js"), ...entry("page.css")], outbase: join(SITE, "pages"),
    outdir: target, splitting: true, chunkNames: "chunks/[name]-[hash]",
  });
  await esbuild.build({
    ...shared, entryPoints: [join(SITE, "js/worker.js"), join(SITE, "js/sw.js"), join(SITE, "shell.css")], outdir: target,
    outbase: SITE, entryNames: "[name]",
  });
}

// vrrp-lab.zip becomes what a tab starts Python with.
async function python() {
  const place = join(target, "vrrp-lab.zip"), files = await compiled(modules, place);
  await writeFile(join(target, "vrrp-lab.bin"), files);
  await writeFile(join(target, "python.bin"), await snapshot(modules, (FS) => unpack(FS, "/app", gunzipSync(files))));
  await rm(place);
}

// The service worker holds every file under a name that changes with any of them.
async function writeServiceWorker() {
  const names = (await files(target)).filter((path) => !path.endsWith("/sw.js"));
  const hash = createHash("sha256");
  for (const path of names) hash.update(relative(target, path)).update(await readFile(path));
  const list = names.map((path) => relative(target, path));
  const head = `self.FILES=${JSON.stringify(list)};self.BUILD="${hash.digest("hex").slice(0, 12)}";\n`;
  const path = join(target, "sw.js");
  await writeFile(path, head + await readFile(path, "utf8"));
}

const all = await files(join(SITE, "pages"));
const ready = await files(made);
const html = (paths) => paths.filter((path) => path.endsWith(".html"));
const pages = await Promise.all([
  ...html(all).map((path) => page(join(SITE, "pages"), path, all)),
  ...html(ready).map((path) => page(made, path, ready)),
]);
const init = await readFile(join(REPOSITORY, "vrrpd/__init__.py"), "utf8");
await writePages(pages, init.match(/__version__ = "([^"]+)"/)[1]);
await bundle(all);
await python();
await cp(join(SITE, "icon.svg"), join(target, "icon.svg"));
await writeFile(join(target, ".nojekyll"), "");
await mkdir(join(target, "pyodide"), { recursive: true });
for (const name of PYODIDE) await cp(join(modules, "pyodide", name), join(target, "pyodide", name));
await writeServiceWorker();
