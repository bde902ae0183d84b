// The four things that every drawing module needs of a page.

const DRAWN = new Set(["svg", "g", "rect", "circle", "line", "path", "polyline", "polygon", "text", "title", "defs", "pattern"]);

// An element, HTML or SVG; "onclick" and the like are functions, null is no attribute or no child.
export function make(tag, attributes = {}, ...children) {
  const node = DRAWN.has(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

// Thirty times a second most of a page stays as it is: what is the same is not touched.
export function set(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Gives the browser `html` to save as a file.
export function download(name, html) {
  const page = new Blob([html], { type: "text/html" });
  const link = make("a", { href: URL.createObjectURL(page), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// A thing to press: by mouse, or by Enter and Space once Tab has led there.
export function pressable(node, press, ...keys) {
  node.setAttribute("tabindex", "0");
  node.setAttribute("role", "button");
  node.addEventListener("click", press);
  node.addEventListener("keydown", (event) => {
    if (!["Enter", " ", ...keys].includes(event.key)) return;
    event.preventDefault();
    press();
  });
}
