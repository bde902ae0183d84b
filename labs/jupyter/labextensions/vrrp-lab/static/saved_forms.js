// A saved notebook shows its panels and forms on the next day, with a new kernel or with none.
//
// JupyterLab's widget manager saves them ("saveState" in labs/jupyter/settings) and restores them, but:
//
//   - it saves only the widgets of the kernel that runs, so the second save of a notebook that was
//     opened again, or whose kernel was restarted, would empty the file of them;
//   - when the kernel's connection is lost and comes back before the file's widgets are there, as on a
//     slow machine, it gives them up for good ("model not found"), or waits for an answer for ever.
//
// Here what the outputs need stays in the file, with the kernel it was saved with; with any other kernel
// it is made from the file at once.  With the same kernel the manager asks that first; what it gave up is
// made from the file, and as a last resort the output's own HTML is shown.
// This uses private parts of the manager: where another version lacks one, the console says so, and all
// is as without this file.

export const VIEW = "application/vnd.jupyter.widget-view+json";
const STATE = "application/vnd.jupyter.widget-state+json";
const PART = /IPY_MODEL_([\w-]+)/g;
const WAIT_MS = 20000;        // so long does the manager wait for a kernel that is not busy
const WORDS = "Recorded in an earlier session. To use it again, run this cell.";

// Takes care of the widgets of a NotebookPanel, as long as it is open.
export function keepForms(panel) {
  return attempt(() => takeCare(panel));
}

async function attempt(action) {
  try {
    await action();
  } catch (error) {
    console.warn("VRRP Lab: forms of a saved notebook:", error);
  }
}

async function takeCare(panel) {
  const { context, content } = panel;
  await context.ready;
  const saved = new SavedForms(context.model);
  await context.sessionContext.ready;
  await new Promise((go) => setTimeout(go));         // the manager is made at the same moment
  if (panel.isDisposed) return;
  const { rendermime } = content, known = rendermime.getFactory(VIEW);
  saved.manager = await known.createRenderer({ mimeType: VIEW })._manager.promise;
  if (saved.kernel !== saved.manager.kernel?.id) saved.load();
  const watch = (renderer) => {
    const render = renderer.renderModel.bind(renderer);
    const mind = (model) => attempt(async () => {
      if (waits(renderer)) await saved.answered(context.sessionContext, () => !waits(renderer));
      if (waits(renderer) || gaveUp(renderer)) await saved.rescue(renderer, model, render, rendermime);
      await showRecord(renderer, saved.manager, model);
    });
    renderer.renderModel = async (model) => {
      await render(model);
      await mind(model);
    };
    return { renderer, mind };
  };
  const createRenderer = (options) => watch(known.createRenderer(options)).renderer;
  rendermime.addFactory({ ...known, createRenderer }, -10);
  for (const [renderer, model] of renderers(content)) watch(renderer).mind(model);
  context.saveState.connect((_sender, state) => { if (state === "started") saved.keep(); });
}

// The renderers of widgets that are there already, each with the output it shows.
export function* renderers(content) {
  for (const { outputArea } of content.widgets) {
    for (const [n, output] of (outputArea?.widgets ?? []).entries()) {
      const model = outputArea.model.get(n);
      for (const child of output.children()) if (child.mimeType === VIEW && model) yield [child, model];
    }
  }
}

// A form that no kernel answers for looks, and says, that it is a record; a panel says so itself.
async function showRecord(renderer, manager, output) {
  const id = output.data[VIEW].model_id;
  if (renderer.isDisposed || !manager.has_model(id)) return;
  const model = await manager.get_model(id);
  if (model.get("_model_module") === "anywidget") return;
  const note = document.createElement("p");
  note.textContent = WORDS;
  const show = () => {
    for (const { node } of renderer.widgets) {
      node.inert = !model.comm_live;
      node.style.opacity = model.comm_live ? "" : "0.75";
    }
    if (model.comm_live) note.remove();
    else renderer.node.append(note);
  };
  model.on("comm_live_update", show);
  show();
}

// Whether the manager's renderer shows an error in place of its widget.
function gaveUp(renderer) {
  return renderer.node.classList.contains("jupyter-widgets") && renderer.widgets.length === 0;
}

// Whether it waits for the manager to restore its widgets.
function waits(renderer) {
  return !renderer.isDisposed && !renderer.isHidden && renderer.widgets.length === 0 && !gaveUp(renderer);
}

class SavedForms {
  // `notebook` is the model of a notebook that has been read.
  constructor(notebook) {
    this.notebook = notebook;
    this.manager = null;
    const { [STATE]: saved, kernel } = notebook.getMetadata("widgets") ?? {};
    this.states = saved?.state ?? {};                  // id -> state
    this.kernel = kernel;                              // id of the kernel it was saved with
  }

  // Writes into the notebook's metadata what its outputs need, whichever kernel it is from.
  keep() {
    document.dispatchEvent(new CustomEvent("vrrp-lab:save"));    // panels put their run into their model
    const models = [...this.manager._modelsSync].map(([id, model]) => [id, lively(model)]);
    const { state } = this.manager.get_state_sync.call({ _modelsSync: new Map(models) }, { drop_defaults: true });
    // The run of a panel that was not on the page since it was opened is only in the file.
    for (const [id, { state: now }] of Object.entries(state)) {
      const run = this.states[id]?.state.run;
      if (run && !now.run) now.run = run;
    }
    this.states = this.needed({ ...this.states, ...state });
    if (!this.notebook.getMetadata("widgets") && Object.keys(this.states).length === 0) return;
    const saved = { version_major: 2, version_minor: 0, state: this.states };
    this.notebook.setMetadata("widgets", { [STATE]: saved, kernel: this.manager.kernel?.id });
  }

  // Those of `states` that an output shows, with the parts they consist of.
  needed(states) {
    const found = {}, ids = [...this.shown()];
    for (const id of ids) {
      if (found[id] || !states[id]) continue;
      found[id] = states[id];
      for (const [, part] of JSON.stringify(states[id].state).matchAll(PART)) ids.push(part);
    }
    return found;
  }

  // The ids of the widgets in the notebook's outputs.
  * shown() {
    for (const cell of this.notebook.cells) {
      for (let n = 0; n < (cell.outputs?.length ?? 0); n += 1) {
        const id = cell.outputs.get(n).data[VIEW]?.model_id;
        if (id) yield id;
      }
    }
  }

  // Renders again what was given up: from the file, or else the HTML beside the widget.
  async rescue(renderer, model, render, rendermime) {
    const id = model.data[VIEW].model_id;
    await this.load();
    if (this.manager.has_model(id)) {
      renderer.removeClass("jupyter-widgets");
      await render(model);
      if (!gaveUp(renderer)) return;
    }
    renderer.node.textContent = WORDS;
    if (!model.data["text/html"]) return;
    const twin = rendermime.createRenderer("text/html");
    await twin.renderModel(model);
    renderer.addWidget(twin);
  }

  // Until `done()`, or the kernel has had time enough to say which widgets are its own.
  async answered(session, done) {
    for (let ms = 0; ms < WAIT_MS && !done(); ms += session.session?.kernel?.status === "busy" ? 0 : 200) {
      await new Promise((go) => setTimeout(go, 200));
    }
  }

  // Makes the widgets of the file that the manager does not have.
  load() {
    const missing = Object.entries(this.needed(this.states)).filter(([id]) => !this.manager.has_model(id));
    if (missing.length === 0) return Promise.resolve();
    const state = structuredClone(Object.fromEntries(missing));
    // It asks the kernel, which may not answer, and does nothing with the answer.
    this.manager._get_comm_info = async () => ({});
    const made = this.manager.set_state({ version_major: 2, version_minor: 0, state });
    delete this.manager._get_comm_info;
    return made;
  }
}

// `model` as the manager sees one whose kernel runs: it saves no other.
function lively(model) {
  return Object.create(model, { comm_live: { value: true } });
}
