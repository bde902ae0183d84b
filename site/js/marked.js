// A text with commands between backticks, for append(): a command is in the letters of a program.
//
//   legend.append(...marked("Both files say `state MASTER`."))

/** @param {string} text @returns {(string | HTMLElement)[]} */
export function marked(text) {
  return text.split(/`([^`\n]+)`/).map((part, n) => {
    if (n % 2 === 0) return part;
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
}
