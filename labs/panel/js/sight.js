// The panel in a window of its own, where JupyterLab has the extension of the lessons
// (labs/jupyter/labextensions): it stays in sight while the lesson scrolls.

const COMMAND = "vrrp-lab:keep-panel";

// Whether there is a place for it.
export function canBeKept() {
  return Boolean(globalThis.jupyterapp?.commands?.hasCommand(COMMAND));
}

// Opens the window, which shows the newest panel of the lesson.
export function keep() {
  return globalThis.jupyterapp.commands.execute(COMMAND);
}

// Says to the page, once, that the panel at `root` is on it.
export function announce(root) {
  root.dispatchEvent(new CustomEvent("vrrp-lab:panel", { bubbles: true }));
}
