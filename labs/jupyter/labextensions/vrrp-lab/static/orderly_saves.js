// A notebook is saved by one at a time.  JupyterLab saves by itself every two minutes; where a learner
// saves in the middle of that, as on a slow server, it finds that the file "has changed on disk" and
// asks which of the two to keep, although both are the learner's own.

// `panel` is a NotebookPanel, from when it is opened.
export function saveInOrder({ context }) {
  const save = context.save.bind(context);
  let before = Promise.resolve();
  context.save = (...how) => {
    const saved = before.then(() => save(...how));
    before = saved.catch(() => {});         // who called it is told of a failure
    return saved;
  };
}
