// What can be done with a host: its menu, and what the menu opens below the plan: an editor for
// keepalived.conf that checks while one types, and a line for a shell command.
//
// `hands` is the bench: ask(question) -> answer, act(verb, host, more), tell(words, wrong).
// `verbs` is the table of Python (labs/model/fault_verbs.py): {verb, words, text, when}.

import { make, say } from "./dom.js";

const PAUSE = 250;      // ms without a key before the text is checked

// The lines of the menu: what to call them, and what they do.
function entries(host, now, hands, desk) {
  if (now.dmn === "down") return [[`${host} is down: lab.reset() starts it again`, () => {}]];
  const states = [now.dmn, now.pth || "whole"];
  const verbs = desk.verbs.filter((each) => each.when.some((state) => states.includes(state)))
    .map(({ verb, words, text }) => [text, () => hands.act(verb, host, { words })]);
  return [...verbs, ["Edit keepalived.conf …", () => desk.edit(host)],
    ["Run a command …", () => desk.shell(host)]];
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
    const text = make("textarea", { rows: 14, spellcheck: "false", "aria-label": `keepalived.conf of ${host}` });
    const remarks = make("pre", { class: "vb-remarks", role: "status" }, "no remarks");
    const button = make("button", { type: "submit" }, "Write it, and reload the daemon");
    const form = this.form(`keepalived.conf of ${host}`, text, remarks, button);
    text.value = answer.text;
    let typed = 0, soon;
    const check = async () => {
      const mine = typed += 1;
      const found = await this.hands.ask({ type: "check", host, text: text.value });
      if (mine !== typed || !found.ok) return;        // another check has begun since
      say(remarks, found.remarks.join("\n") || "no remarks: this is understood");
    };
    text.addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(check, PAUSE); });
    form.addEventListener("submit", async () => {
      const done = await this.hands.ask({ type: "write", host, text: text.value });
      const words = done.ok ? `keepalived.conf of ${host} written, the daemon reads it` : done.text;
      this.hands.tell(words, !done.ok);
    });
    text.focus();
    check();
  }

  shell(host) {
    const line = make("input", {
      type: "text", value: "ip address list dev eth0", "aria-label": `command for ${host}`, spellcheck: "false",
    });
    const output = make("pre", { class: "vb-output", role: "status", tabindex: "0" });
    const form = this.form(`[root@${host} ~]#`, line, make("button", { type: "submit" }, "Run"), output);
    form.addEventListener("submit", async () => {
      say(output, "…");
      const answer = await this.hands.ask({ type: "run", host, command: line.value });
      say(output, answer.text || "(nothing printed)");
    });
    line.focus();
    line.select();
  }
}
