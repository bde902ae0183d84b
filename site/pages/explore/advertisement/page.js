// An Advertisement, byte by byte: the sender's fields above, the bytes, and the receiver's checks.

import { say } from "@panel/dom.js";
import { by, fieldBy } from "@site/by.js";
import { Explorable } from "@site/explore/page.js";
import { checks, meaning, words } from "./figure.js";

const DEFAULTS = { form: "v2", priority: 150, vrid: 51, interval: 1, addresses: 1, ttl: 255,
  wrong: false, replayed: false, fix: false, changed: "", byte: -1 };
const box = by("figure"), list = by("checks");
const value = fieldBy("value"), place = by("chosen");
let found = null;

const page = new Explorable(DEFAULTS, update);
const ask = page.asker("advertisement.inspect", (answer) => { found = answer; draw(); });

/** "22.200_24.1" -> [[22, 200], [24, 1]]; what cannot be read is left out. */
function changes(text) {
  return text.split("_").map((one) => one.split(".").map(Number))
    .filter(([at, now]) => Number.isInteger(at) && Number.isInteger(now) && now >= 0 && now <= 255);
}

function update(state) {
  page.label("priority", String(state.priority));
  page.label("vrid", String(state.vrid));
  page.label("interval", `${state.interval} s`);
  page.label("addresses", String(state.addresses));
  page.label("ttl", String(state.ttl));
  ask({ form: state.form, priority: state.priority, vrid: state.vrid, interval: state.interval, addresses: state.addresses, ttl: state.ttl,
    right_key: !state.wrong, replayed: state.replayed, fix_checksum: state.fix, changed: changes(state.changed) });
}

function chosen() {
  if (found.editable.includes(page.state.byte)) return page.state.byte;
  return found.rows.find((row) => row.field === "priority")?.start ?? found.editable[0];
}

function draw() {
  const at = chosen(), focused = document.activeElement?.getAttribute("data-at");
  box.replaceChildren(...words(found, at, (next) => page.set({ byte: next })));
  if (focused !== null) /** @type {HTMLElement | null} */ (box.querySelector(`[data-at="${focused}"]`))?.focus();
  list.replaceChildren(...checks(found));
  const now = found.bytes[at];
  value.value = String(now);
  value.setAttribute("aria-valuetext", `${now}, hexadecimal ${now.toString(16)}`);
  say(by("value-value"), `0x${now.toString(16).padStart(2, "0")} = ${now}`);
  say(place, `Byte ${at}. ${meaning(found, at)}`);
  by("secrets").hidden = !/pass|hmac/.test(page.state.form);
  by("replay").hidden = page.state.form !== "v3-hmac";
  page.say(`${found.verdict.replace(/[.?]*$/, ".")} ${found.effect}`);
}

value.addEventListener("input", () => {
  if (!found) return;
  const at = chosen(), others = changes(page.state.changed).filter(([one]) => one !== at);
  page.set({ changed: [...others, [at, Number(value.value)]].map((one) => one.join(".")).join("_") });
});

// Other fields give other bytes: what was changed before would be somewhere else.
for (const name of ["form", "addresses"]) {
  by(name).addEventListener("input", () => { if (page.state.changed) page.set({ changed: "", byte: -1 }); });
}
by("restore").addEventListener("click", () => page.set({ changed: "", fix: false }));

page.first().then((answer) => { if (answer && !found) { found = answer; draw(); } });
update(page.state);
