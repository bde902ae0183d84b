// What can be done with a host: its menu, and what the menu opens below the plan: an editor for
// keepalived.conf that checks while one types, and a line for a shell command.  In a LAN in memory
// also every fault with its parameters, and an Advertisement byte by byte.
//
// `hands` is the bench: ask(question) -> answer, act(verb, host, more), tell(words, wrong).
// `verbs` is the table of Python (labs/model/fault_verbs.py): {verb, words, text, when}.

import { LATE } from "./connection.js";
import { make, say } from "./dom.js";

const PAUSE = 250;      // ms without a key before the text is checked
const SCOPES = ["daemon", "cable", "path", "interface", "clock", "program"];
// What the words behind a verb are at first, and how far they may go.
const FIRST = {
  SHARE: { type: "number", value: 0.3, min: 0, max: 1, step: 0.05 },
  SECONDS: { type: "number", value: 0.5, step: 0.1 },
  JITTER: { type: "number", value: 0, min: 0, step: 0.1 },
  TIMES: { type: "number", value: 3, min: 1, max: 100 },
  PPM: { type: "number", value: 900 },
  STATUS: { type: "number", value: 1, min: 0, max: 255 },
  VRID: { type: "number", value: 0, min: 0, max: 255 },
};

// The lines of the menu: what to call them, and what they do.
function entries(host, now, hands, desk) {
  if (now.dmn === "down") return [[`${host} is down: lab.reset() starts it again`, () => {}]];
  const terminal = hands.network?.terminals ? [["Open its terminal", () => hands.terminal(host)]] : [];
  const shell = ["Run a command …", () => desk.shell(host)];
  if (hands.network?.hosts.some(({ name, server }) => name === host && !server)) return [...terminal, shell];
  const states = [now.dmn, now.pth || "whole"];
  const verbs = desk.verbs.filter((each) => each.when.some((state) => states.includes(state)))
    .map(({ verb, words, text }) => [text, () => hands.act(verb, host, { words })]);
  const more = hands.network?.verbs ? [["Every fault …", () => desk.faults(host, SCOPES)],
    ["Packets it sent …", () => desk.packets(host)]] : [];
  return [...terminal, ...verbs, ...more, ["Edit keepalived.conf …", () => desk.edit(host)], shell];
}

export class Desk {
  constructor(hands, verbs) {
    this.hands = hands;
    this.verbs = verbs;
    this.menu = make("div", { class: "vb-menu", role: "menu", hidden: "" });
    this.node = make("div", { class: "vb-drawer" });
  }

  // The menu of `host`, at its `box` on the plan; `now` is the host's part of the scene.
  open(host, now, box) {
    const { menu } = this;
    const close = () => {
      menu.hidden = true;
      document.removeEventListener("pointerdown", outside, true);
    };
    const outside = (event) => { if (!event.composedPath().includes(menu)) close(); };
    const leave = () => { close(); box.focus(); };
    menu.setAttribute("aria-label", `what to do with ${host}`);
    menu.replaceChildren(...entries(host, now, this.hands, this).map(([text, call]) => make("button", {
      type: "button", role: "menuitem", tabindex: "-1", onclick: () => { leave(); call(); },
    }, text)));
    menu.onkeydown = (event) => {
      const items = [...menu.children], at = items.indexOf(menu.getRootNode().activeElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
      if (to !== undefined) items[(to + items.length) % items.length].focus();
      else if (event.key === "Escape" || event.key === "Tab") leave();
      else return;
      event.preventDefault();
    };
    menu.hidden = false;
    this.place(box.querySelector("rect").getBoundingClientRect());
    menu.firstChild.focus();
    document.addEventListener("pointerdown", outside, true);
  }

  // Over the box, but within the stage.
  place(box) {
    const { menu } = this, stage = menu.parentElement.getBoundingClientRect();
    const most = stage.width - menu.offsetWidth - 4;
    menu.style.left = `${Math.max(4, Math.min(box.left - stage.left + 12, most))}px`;
    menu.style.top = `${box.top - stage.top + Math.min(box.height, 40)}px`;
  }

  // A form with a title, in the place of the one before it; Escape closes it.
  form(title, ...children) {
    const close = () => this.node.replaceChildren();
    const form = make("form", {
      class: "vb-form", "aria-label": title,
      onkeydown: (event) => { if (event.key === "Escape") close(); },
      onsubmit: (event) => event.preventDefault(),
    }, make("h4", {}, title), make("button", {
      type: "button", class: "vb-close", "aria-label": "close", onclick: close,
    }, "✕"), ...children);
    this.node.replaceChildren(form);
    return form;
  }

  async edit(host) {
    const answer = await this.hands.ask({ type: "conf", host });
    const name = `keepalived.conf of ${host}`;
    let typed = 0, soon;
    const changed = () => { clearTimeout(soon); soon = setTimeout(() => check(), PAUSE); };
    const text = (this.hands.tools?.editor ?? plain)(name, answer.text, changed);
    const remarks = make("pre", { class: "vb-remarks", role: "status" }, "no remarks");
    const button = make("button", { type: "submit" }, "Write it, and reload the daemon");
    const form = this.form(name, text.node, remarks, button);
    const check = async () => {
      const mine = typed += 1;
      const found = await this.hands.ask({ type: "check", host, text: text.value() });
      if (mine !== typed || !found.ok) return;        // another check has begun since
      say(remarks, found.remarks.join("\n") || "no remarks: this is understood");
      text.show?.(found.marks ?? []);
    };
    form.addEventListener("submit", async () => {
      const done = await this.hands.ask({ type: "write", host, text: text.value() });
      const written = `keepalived.conf of ${host} written, and reloaded`;
      const faulty = done.ok && done.remarks.length > 0;
      this.hands.tell(done.ok ? written + (faulty ? ": read the remarks below the text" : "") : done.text, !done.ok || faulty);
    });
    text.focus();
    check();
  }

  // Every fault of these scopes, with a field for each of its words; host "" is the whole LAN.
  // A cable of another interface than eth0 has those that can name it.
  faults(host, scopes, card = "eth0") {
    const { network } = this.hands, second = card !== "eth0";
    const known = network.verbs.filter((each) => scopes.includes(each.scope) && (!second || each.interface));
    const rows = scopes.flatMap((scope) => known.filter((each) => each.scope === scope)).map((each) => {
      const fields = each.words.map((word, n) => field(each, word, n, network));
      const act = () => {
        const words = fields.map((one) => one.value.trim());
        while (words.length && !words[words.length - 1]) words.pop();
        this.hands.act(each.verb, host, { words, ...(second && { interface: card }) });
      };
      return make("li", { class: "vb-fault-row" },
        make("button", { type: "button", onclick: act }, each.verb), ...fields, make("span", {}, each.text));
    });
    const form = this.form(host ? `Faults of ${host}${second ? ` ${card}` : ""}` : "Faults of the LAN", make("ul", { class: "vb-faults" }, ...rows));
    form.querySelector("li button").focus();
  }

  // The Advertisements that a host sent lately, for hands without a mouse.
  async packets(host) {
    const answer = await this.hands.ask({ type: "sent" });
    const rows = (answer.sent ?? []).filter((each) => each.host === host).map((each) => make("li", {},
      make("button", { type: "button", onclick: () => this.packet(host, each.vrid, each.t) },
        `${each.t.toFixed(3)} s: VRID ${each.vrid}, priority ${each.priority}`)));
    const none = rows.length ? null : make("p", {}, `${host} has not sent an Advertisement lately`);
    const form = this.form(`Advertisements of ${host}, the latest first`, make("ul", { class: "vb-faults" }, ...rows), none);
    (form.querySelector("li button") ?? form.querySelector("button")).focus();
  }

  // One Advertisement, field by field.
  async packet(host, vrid, t) {
    this.hands.hold?.();
    const found = await this.hands.ask({ type: "packet", host, vrid, t });
    if (!found.ok) { this.hands.tell(found.text, true); return; }
    const cell = (tag, text) => make(tag, {}, text);
    const rows = found.rows.map((r) => make("tr", {}, cell("td", r.place), cell("td", r.hex),
      cell("th", r.field), cell("td", r.value), cell("td", r.meaning)));
    const head = make("tr", {}, ...["byte", "hex", "field", "value", "meaning"].map((name) => cell("th", name)));
    const drop = make("button", { type: "button", onclick: () => this.hands.drop(host, vrid, t) }, "Drop this packet");
    const form = this.form(`Advertisement of ${host} at ${t.toFixed(3)} s`,
      make("div", { class: "vb-bytes", tabindex: "0", role: "region", "aria-label": "the bytes" },
        make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))),
      make("p", { class: "vb-verdict" }, found.verdict), drop);
    drop.focus();
    form.scrollIntoView({ block: "nearest" });
  }

  shell(host) {
    const line = make("input", {
      type: "text", value: "ip address list dev eth0", "aria-label": `command for ${host}`, spellcheck: "false",
    });
    const output = make("pre", { class: "vb-output", role: "status", tabindex: "0" });
    const form = this.form(`[root@${host} ~]#`, line, make("button", { type: "submit" }, "Run"), output);
    form.addEventListener("submit", async () => {
      let shown = "";
      const print = (text) => { shown += text; say(output, shown); };
      const late = () => { if (!shown) say(output, `… ${LATE}, if one runs`); };
      say(output, "…");
      const answer = await this.hands.ask({ type: "run", host, command: line.value }, { late, print });
      say(output, answer.ok ? answer.text || "(nothing printed)" : [shown.trimEnd(), answer.text].filter(Boolean).join("\n"));
    });
    line.focus();
    line.select();
  }
}

// A text area of the browser's own.
function plain(name, text, changed) {
  const node = make("textarea", { rows: 14, spellcheck: "false", "aria-label": name, oninput: changed });
  node.value = text;
  return { node, value: () => node.value, focus: () => node.focus() };
}

// The field for one word of a verb, such as "SHARE", "[VRID]", "to|from" or "HOST+HOST".
function field(verb, word, n, network) {
  const name = word.replace(/[[\]]/g, ""), label = `${verb.verb}: ${name}`;
  const servers = network.hosts.filter((h) => h.server).map((h) => h.name);
  const listed = name === "ADDRESS" ? network.addresses : name.includes("|") ? name.split("|") : null;
  if (listed) {
    return make("select", { "aria-label": label }, ...listed.map((each) => make("option", {}, each)));
  }
  const node = make("input", { type: "text", placeholder: name, ...FIRST[name], "aria-label": label });
  if (name === "HOST+HOST") {
    const half = Math.ceil(servers.length / 2);
    node.value = (n === 0 ? servers.slice(0, half) : servers.slice(half)).join("+");
  }
  return node;
}
