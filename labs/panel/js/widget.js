// The way in for a notebook: what anywidget calls when the panel is shown, and when it goes.
//
// The model's `run` is the run so far (runOf), which only the saved notebook uses: Python
// does not have it.  Where the file is opened without the kernel that made the panel, the run is
// shown as in a page of its own (page.py).

import { mount } from "./bench.js";
import { onSave } from "./sight.js";

// As the notebook has it in its file; `saved` is when its last news came.
function runOf({ connection, record }) {
  const silent = performance.now() - connection.last;
  return { saved: Math.round((Date.now() - silent) / 1000), ...record.snapshot() };
}

// If the panel's code takes more than two seconds to load, as on a slow computer, anywidget (0.11) drops
// all messages for the panel, also later.  From here on they go directly to the base class of its model.
// Rejects if the frontend lacks a part of the model that is used here: then anywidget receives them.
async function receiveAll(model) {
  const whole = await model.widget_manager.get_model(model.get("own_id"));
  const { _handle_comm_msg: receive } = Object.getPrototypeOf(Object.getPrototypeOf(whole));
  whole.comm.on_msg((message) => receive.call(whole, message));
}

export default {
  render({ model, el }) {
    const root = document.createElement("div");
    el.append(root);
    const network = model.get("network"), run = model.get("run"), now = Date.now() / 1000;
    // The layout is a model of the same kernel, and the only one that shows whether it lives.
    const live = () => model.get("layout")?.comm_live !== false;
    if (run && !live()) {
      const recording = mount(root, { ...run, network: { ...network, menu: [], live: false } });
      return () => recording.end();
    }
    const port = { send: (message) => model.send(message), live, lossy: true };
    const blank = () => ({ st: {}, prio: {}, dmn: "runs", pth: "", held: [], tmr: {} });
    const base = { hosts: Object.fromEntries(network.hosts.map((h) => [h.name, blank()])), links: {} };
    // Nothing is known yet; "hello" is answered with everything.
    const bench = mount(root, { network, base, start: now, end: now, now, events: [], unknown: true }, port);
    const take = (message) => bench.take(message);
    const save = () => { if (bench.known) model.set("run", runOf(bench)); };
    const forget = onSave(save);
    model.on("msg:custom", take);
    receiveAll(model).catch(() => {});
    port.send({ type: "hello" });
    return () => {
      save();
      forget();
      model.off("msg:custom", take);
      port.send({ type: "bye" });
      bench.end();
    };
  },
};
