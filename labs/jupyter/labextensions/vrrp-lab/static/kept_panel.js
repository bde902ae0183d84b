// The live panel of a lesson in a window of its own beside it, where it stays in sight.
//
// A panel says that it is on the page by the event "vrrp-lab:panel" (labs/panel/js/bench.js).  The window
// shows the one that came last, so it follows the lesson from section to section.

import { VIEW, renderers } from "./saved_forms.js";

export const COMMAND = "vrrp-lab:keep-panel";

// Adds the command; `Panel` is Lumino's.
export function keepPanels(app, tracker, Panel) {
  const windows = new Map(), newest = new WeakMap();        // of NotebookPanels
  const follow = (notebook) => {
    notebook.node.addEventListener("vrrp-lab:panel", (event) => {
      const found = [...renderers(notebook.content)].find(([renderer]) => renderer.node.contains(event.target));
      if (!found) return;
      newest.set(notebook, found[1]);
      if (windows.has(notebook)) show(windows.get(notebook), notebook, found[1]);
    });
    notebook.disposed.connect(() => windows.get(notebook)?.dispose());
  };
  tracker.forEach(follow);
  tracker.widgetAdded.connect((_sender, notebook) => follow(notebook));
  app.commands.addCommand(COMMAND, {
    label: "Keep the Live Panel in Sight",
    isEnabled: () => newest.has(tracker.currentWidget),
    execute: () => {
      const notebook = tracker.currentWidget;
      if (!windows.has(notebook)) {
        const made = open(app, notebook, Panel);
        windows.set(notebook, made);
        made.disposed.connect(() => windows.delete(notebook));
        show(made, notebook, newest.get(notebook));
      }
      app.shell.activateById(windows.get(notebook).id);
    },
  });
}

// An empty window above the terminals of the hosts, or where there are none beside the lesson.
function open(app, notebook, Panel) {
  const made = new Panel(), terminals = [...app.shell.widgets("main")].filter(isTerminal);
  made.id = `vrrp-lab-panel-${notebook.id}`;
  made.addClass("vrrp-lab-panel");
  Object.assign(made.title, { label: "Live panel", caption: `of ${notebook.context.path}`, closable: true });
  Object.assign(made.node.style, { overflow: "auto", padding: "4px", background: "var(--jp-layout-color0)" });
  const place = terminals.length ? { ref: terminals[0].id, mode: "split-top" }
    : { ref: notebook.id, mode: "split-right" };
  app.shell.add(made, "main", place);
  if (terminals.length) {
    const windows = made.parent, { main } = windows.saveLayout();
    arrange(main, made);
    windows.restoreLayout({ main });
  }
  return made;
}

// In the layout `area`, gives most of its column to `made`, and the rest to all terminals as tabs.
function arrange(area, made) {
  if (area.type !== "split-area") return;
  const mine = area.children.find((child) => child.widgets?.includes(made));
  const others = area.children.filter((child) => child !== mine), below = others.flatMap(({ widgets }) => widgets);
  if (!mine) area.children.forEach((child) => arrange(child, made));
  else if (area.orientation === "vertical" && below.every((widget) => widget && isTerminal(widget))) {
    area.children = [mine, { type: "tab-area", widgets: below, currentIndex: 0 }];
    area.sizes = [0.6, 0.4];
  }
}

// Whether a window of JupyterLab is a terminal.
export function isTerminal(widget) {
  return Boolean(widget.content?.hasClass?.("jp-Terminal"));
}

function show(made, notebook, output) {
  for (const old of [...made.widgets]) old.dispose();
  const renderer = notebook.content.rendermime.createRenderer(VIEW, output);
  made.addWidget(renderer);
  renderer.renderModel(output);
}
