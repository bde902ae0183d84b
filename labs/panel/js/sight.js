// The panel in a window of its own, where JupyterLab has the extension of the lessons
// (labs/jupyter/labextensions): it stays in sight while the lesson scrolls.

import { make } from "./dom.js";

const COMMAND = "vrrp-lab:keep-panel";

// The button that opens the window; hidden where there is no place for it, or nothing `live` to keep.
export function keepButton(live) {
  const { commands } = globalThis.jupyterapp ?? {};
  const title = "in a window beside the lesson, which shows the newest panel of the lesson";
  const open = () => commands.execute(COMMAND);
  const button = make("button", { type: "button", class: "vb-keep", title, onclick: open }, "Keep in sight");
  button.hidden = !live || !commands?.hasCommand(COMMAND);
  return button;
}

// Calls `save` whenever JupyterLab is about to save a notebook; the result ends that.
export function onSave(save) {
  document.addEventListener("vrrp-lab:save", save);
  return () => document.removeEventListener("vrrp-lab:save", save);
}

// Says to the page that the panel at `root` is on it; false as long as it is not.
export function announce(root) {
  if (root.isConnected) root.dispatchEvent(new CustomEvent("vrrp-lab:panel", { bubbles: true }));
  return root.isConnected;
}
