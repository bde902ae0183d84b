// The front page: the panel at once, and what to look at.

import { by } from "@site/by.js";
import { alive, recorded } from "@site/start.js";
import { watchFor } from "@site/watch_for.js";

function follow(bench) {
  const line = by("watch");
  setInterval(() => {
    const words = watchFor(bench);
    if (!document.hidden && words !== line.textContent) line.textContent = words;
  }, 250);
}

const { bench, python } = await recorded(by("panel"));
by("watch").textContent = "A recorded run plays while Python starts …";
try {
  await alive(bench, python);
  follow(bench);
} catch (error) {
  by("watch").textContent = "This is a recorded run; drag the slider.";
  by("status").textContent = `The live cluster cannot start here: ${error.message}`;
  by("status").classList.add("wrong");
}
