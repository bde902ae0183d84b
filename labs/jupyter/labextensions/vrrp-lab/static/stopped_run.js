// A run of several cells that stops at one leaves the learner at the end of the notebook: this brings
// the cell into sight, which says why (a prediction without an answer, an error).

const QUIET_MS = 300;       // after the kernel has refused the last of the cells below

// `NotebookActions` is that of @jupyterlab/notebook.
export function showStops(NotebookActions) {
  const stops = new WeakMap();                // of notebooks: {cell, timer}
  NotebookActions.executed.connect((_sender, { notebook, cell, success }) => {
    if (success) {
      stops.delete(notebook);
      return;
    }
    // The cells below are refused one by one, and have no number of execution then.
    if (cell.model.executionCount !== null) {
      stops.set(notebook, { cell });
      return;
    }
    const stop = stops.get(notebook);
    if (!stop) return;
    clearTimeout(stop.timer);
    stop.timer = setTimeout(() => {
      stops.delete(notebook);
      const index = notebook.widgets.indexOf(stop.cell);
      if (notebook.isDisposed || index < 0) return;
      notebook.deselectAll();
      notebook.activeCellIndex = index;
      notebook.scrollToItem(index, "center");
    }, QUIET_MS);
  });
}
