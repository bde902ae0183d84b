// The bytes in words of 32 bits, as the RFCs draw them; each field's bytes are in one frame.
// Draws the rows of one answer of advertisement.inspect.

import { make } from "@panel/dom.js";

const KIND = { IPv4: "ip", IPv6: "ip", VRRP: "vrrp", auth_hmac: "auth", "Authentication header": "auth" };
const SHORT = { "virtual router ID": "VRID", "address count": "count", "authentication type": "auth type",
  "advertisement interval": "interval", "type of service": "TOS", "flags, fragment offset": "fragment",
  "header checksum": "IP checksum", identification: "ident", "header length": "length" };

/** Fields that share bytes become one: {layer, start, end, names, rows}. */
export function fields(rows) {
  const found = [];
  for (const row of rows) {
    const last = found.at(-1);
    if (last && row.start < last.end) {
      last.end = Math.max(last.end, row.end);
      last.rows.push(row);
    } else found.push({ layer: row.layer, start: row.start, end: row.end, rows: [row] });
  }
  return found;
}

/** The pieces of a field that lie in one word each: [start, end] in bytes of the packet. */
export function pieces({ start, end }, base) {
  const found = [];
  for (let at = start; at < end;) {
    const stop = Math.min(end, at + 4 - (at - base) % 4);
    found.push([at, stop]);
    at = stop;
  }
  return found;
}

export function words(answer, chosen, choose) {
  const all = fields(answer.rows), boxes = [];
  for (const field of all) {
    const before = boxes.at(-1);
    if (!before || before.layer !== field.layer) boxes.push({ layer: field.layer, base: field.start, fields: [field] });
    else before.fields.push(field);
  }
  return boxes.map(({ layer, base, fields: own }) => make("div", { class: `words ${KIND[layer] ?? "rest"}` }, make("h3", {}, layer === "auth_hmac" ? "auth_hmac trailer" : `${layer} ${KIND[layer] === "ip" ? "header" : "message"}`),
    ...own.flatMap((field) => pieces(field, base).map((piece, n) => part(answer, field, piece, n, chosen, choose)))));
}

function part(answer, field, piece, n, chosen, choose) {
  const [start, end] = piece;
  const buttons = [];
  for (let at = start; at < end; at += 1) buttons.push(byte(answer, at, field, chosen, choose));
  const name = field.rows.map((row) => `${SHORT[row.field] ?? row.field}`).join(", ");
  const hidden = /checksum|version|HMAC|authentication data/.test(name);
  const value = field.rows.map((row) => row.value).join(", ");
  const label = make("span", { title: `${name}: ${value}` }, n ? "…" : `${name}${hidden ? "" : " "}`, ...(n || hidden ? [] : [make("b", {}, value)]));
  return make("div", { class: `part wide-${end - start}` }, make("div", { class: "pair" }, ...buttons), label);
}

function byte(answer, at, field, chosen, choose) {
  const hex = answer.bytes[at].toString(16).padStart(2, "0"), fixed = !answer.editable.includes(at);
  const node = make("button", { type: "button", class: `byte${answer.differs.includes(at) ? " changed" : ""}`, "data-at": at,
    "aria-pressed": String(at === chosen), "aria-label": `byte ${at}, ${hex}, ${field.rows.map((row) => row.field).join(" and ")}`, onclick: () => choose(at) }, hex);
  node.disabled = fixed;
  return node;
}

/** What the chosen byte says, in a sentence for each of its fields. */
export function meaning(answer, at) {
  return answer.rows.filter((row) => row.start <= at && at < row.end)
    .map((row) => `${row.field} ${row.value}${row.meaning ? `: ${row.meaning}` : ""}`).join(". ");
}

export function checks(answer) {
  const sign = { passed: "✓", failed: "✕", "not reached": "·" };
  return answer.checks.map(({ name, source, outcome, text }) => make("li", { class: outcome === "not reached" ? "skipped" : outcome },
    make("b", { "aria-hidden": "true" }, sign[outcome]), make("span", {}, name, make("span", { class: "sr" }, `: ${outcome}`)), make("small", {}, source), text ? make("em", {}, text) : null));
}
