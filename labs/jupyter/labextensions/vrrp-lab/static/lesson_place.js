// A lesson that is opened while a terminal is in front comes to the other lessons.
//
// JupyterLab puts what is opened beside the active tab: in the narrow column of the hosts' terminals, after
// somebody has typed in one.

import { isTerminal } from "./kept_panel.js";

export function placeLessons(app, tracker) {
  tracker.widgetAdded.connect(async (_sender, lesson) => {
    await lesson.context.ready;                             // it has a place by then
    const others = beside(lesson);
    const home = [...app.shell.widgets("main")].find((each) => tracker.has(each) && !others.includes(each));
    if (!home || !others.some(isTerminal) || others.some((each) => tracker.has(each) && each !== lesson)) return;
    app.shell.add(lesson, "main", { ref: home.id, mode: "tab-after" });
    app.shell.activateById(lesson.id);
  });
}

// The widgets whose tabs are in the same row as that of `widget`, itself included.
function beside(widget) {
  const bars = [...(widget.parent?.tabBars?.() ?? [])];
  const bar = bars.find(({ titles }) => titles.includes(widget.title));
  return bar ? bar.titles.map(({ owner }) => owner) : [];
}
