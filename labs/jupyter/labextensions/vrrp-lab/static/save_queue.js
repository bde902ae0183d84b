// Queues the saves of a notebook.  JupyterLab saves every two minutes; a learner who saves before the
// server has answered, as on a slow one, is asked about a file that "has changed on disk": "Overwrite"
// or "Revert".  With the queue the second save begins when the first has ended, and nothing is asked.

// `panel` is a NotebookPanel, from when it is opened.
export function queueSaves({ context }) {
  const save = context.save.bind(context);
  let before = Promise.resolve();
  context.save = (...how) => {
    const saved = before.then(() => save(...how));
    before = saved.catch(() => {});         // the caller of `save` handles a failure
    return saved;
  };
}
