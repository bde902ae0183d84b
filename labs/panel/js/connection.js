// The panel's side of the line to Python: questions and their answers, and whether anything comes.
//
//   ask(question)    the answer, once Python has it: a kernel answers between two cells
//   state(ms)        "" while news comes, "ended" once the lab is closed, "lost" when all is silent
//
// Through a port that may lose messages (`lossy`) a question is sent again until there is an answer; its
// id shows Python which questions have been carried out.
// A port that can (`live()`) says whether the kernel that made the panel still runs.  Silence alone
// means "lost" only where a thread sends news (`beats`): all others are silent while a cell runs.  `ms` is the page's own clock (performance.now()).  Nothing here draws.

export const SILENT_MS = 6000;        // without news, which comes twice a second
const LATE_MS = 1000;                 // an answer after that is waited for aloud
const AGAIN_MS = 5000;                // without an answer the question is sent again after that
export const WORDS = {
  recorded: "the recorded run of an earlier session: play it, or move the slider. For a live lab, run this cell",
  ended: "this lab has ended: run the cell above again for a new one, or lab.bench() to see the lab of a later cell",
  lost: "no kernel answers: it was restarted or shut down. Run the cells of the lesson again, from the first",
};
export const LATE = "is carried out when the running cell has ended";

export class Connection {
  constructor(port, beats = false) {
    this.port = port;                 // {send(message), live?()}, or null
    this.beats = beats;
    this.closed = false;
    this.last = performance.now();    // ms of the last message
    this.name = Math.random().toString(36).slice(2);    // the first part of the ids of its questions
    this.count = 0;
    this.open = new Map();            // questions that have no answer yet: {settle, print}
  }

  // The panel is no longer on the page: no open question is sent again.
  end() {
    this.closed = true;
  }

  // Note that a message came; what belongs to a question goes there, and is not for others.
  take(message, ms) {
    this.last = ms;
    if (message.type === "ended") this.closed = true;
    else if (message.type === "all") {
      this.closed = false;
      this.beats = Boolean(message.network.beats);
    } else if (message.type === "output") this.open.get(message.id)?.print?.(message.text);
    else if (message.type === "answer") {
      this.open.get(message.id)?.settle(message);
      this.open.delete(message.id);
    }
  }

  state(ms) {
    if (!this.port) return "";
    if (this.closed) return "ended";
    if (this.port.live?.() === false) return "lost";
    return this.beats && ms - this.last > SILENT_MS ? "lost" : "";
  }

  // `more.late()` is called when no answer has come yet, `more.print(text)` with what a command prints.
  ask(question, more = {}) {
    const state = this.state(performance.now());
    if (state) return Promise.resolve({ ok: false, text: WORDS[state] });
    this.count += 1;
    const id = `${this.name}-${this.count}`, late = setTimeout(() => more.late?.(), LATE_MS);
    const send = () => this.port.send({ ...question, id });
    const again = setInterval(() => {
      if (!this.port.lossy || this.closed) clearInterval(again);
      else if (this.port.live?.() !== false) send();    // also while all is silent: that may pass
    }, AGAIN_MS);
    return new Promise((settle) => {
      const end = (answer) => { clearTimeout(late); clearInterval(again); settle(answer); };
      this.open.set(id, { print: more.print, settle: end });
      send();
    });
  }
}
