// The plugins of this extension; each is a file of its own.

import { keepPanels } from "./kept_panel.js";
import { placeLessons } from "./lesson_place.js";
import { queueSaves } from "./save_queue.js";
import { keepForms } from "./saved_forms.js";
import { showStops } from "./stopped_run.js";

// The arguments are JupyterLab's modules @jupyterlab/notebook, @jupyter-widgets/base, @lumino/widgets.
export function plugins(notebook, widgets, lumino) {
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
  }, {
    id: "vrrp-lab:kept-panel",
    description: "Shows the live panel of a lesson in a window of its own.",
    autoStart: true,
    requires: [notebook.INotebookTracker],
    activate: (app, tracker) => keepPanels(app, tracker, lumino.Panel),
  }, {
    id: "vrrp-lab:lesson-place",
    description: "Puts a lesson that is opened from a terminal to the other lessons.",
    autoStart: true,
    requires: [notebook.INotebookTracker],
    activate: placeLessons,
  }, {
    id: "vrrp-lab:save-queue",
    description: "Queues the saves of a notebook: a second save begins when the first has ended.",
    autoStart: true,
    requires: [notebook.INotebookTracker],
    activate: (_app, tracker) => {
      tracker.forEach(queueSaves);
      tracker.widgetAdded.connect((_sender, panel) => queueSaves(panel));
    },
  }, {
    id: "vrrp-lab:stopped-run",
    description: "Shows the cell at which a run of several cells has stopped.",
    autoStart: true,
    activate: () => showStops(notebook.NotebookActions),
  }];
}
