// The terminal of a host in JupyterLab, where the page lets programs use it (expose_app_in_browser,
// as `make lab` starts it).

// Open or focus the terminal of `host`; what to say: where it is, or what to type instead.
export async function openTerminal(host) {
  const app = globalThis.jupyterapp;
  if (!app?.commands?.hasCommand("terminal:open")) {
    return `a shell on ${host}: type \`labs terminal ${host}\` in a terminal of this machine`;
  }
  const others = terminalsOf(app), lesson = app.shell.currentWidget;
  const made = await app.commands.execute("terminal:open", { name: host });
  if (made) {            // it was not open: next to the other terminals, or beside the lesson
    const place = others.length ? { ref: others.at(-1).id, mode: "tab-after" }
      : { ref: lesson?.id, mode: "split-right" };
    app.shell.add(made, "main", place);
    app.shell.activateById(made.id);
  }
  return `the terminal of ${host} is open`;
}

function terminalsOf(app) {
  return [...app.shell.widgets("main")].filter((each) => each.content?.hasClass?.("jp-Terminal"));
}
