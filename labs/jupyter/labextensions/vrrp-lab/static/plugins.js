// The plugins of this extension; each is a file of its own.

import { keepForms } from "./saved_forms.js";

// `notebook` and `widgets` are JupyterLab's modules @jupyterlab/notebook and @jupyter-widgets/base.
export function plugins(notebook, widgets) {
  return [{
    id: "vrrp-lab:saved-forms",
    description: "Shows panels and forms of a notebook that was saved, whatever kernel runs now.",
    autoStart: true,
    // The second only so that its own plugin has seen every notebook before this one.
    requires: [notebook.INotebookTracker, widgets.IJupyterWidgetRegistry],
    activate: (_app, tracker) => {
      tracker.forEach(keepForms);
      tracker.widgetAdded.connect((_sender, panel) => keepForms(panel));
    },
  }];
}
