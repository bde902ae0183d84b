// The way in for a notebook: what anywidget calls when the panel is shown, and when it goes.

import { mount } from "./bench.js";

export default {
  render({ model, el }) {
    const root = document.createElement("div");
    el.append(root);
    const network = model.get("network"), now = Date.now() / 1000;
    const port = { send: (message) => model.send(message) };
    const blank = () => ({ st: {}, prio: {}, dmn: "runs", pth: "", held: [], tmr: {} });
    const base = { hosts: Object.fromEntries(network.hosts.map((h) => [h.name, blank()])), links: {} };
    // Nothing is known yet; "hello" is answered with everything.
    const bench = mount(root, { network, base, start: now, end: now, now, events: [], unknown: true }, port);
    const take = (message) => bench.take(message);
    model.on("msg:custom", take);
    port.send({ type: "hello" });
    return () => {
      model.off("msg:custom", take);
      port.send({ type: "bye" });
      bench.end();
    };
  },
};
