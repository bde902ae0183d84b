// The state of a page as the fragment of its URL: "moment=2.4&priority=100", only what differs
// from the defaults.  What cannot be read is left at its default: a link may be old or cut off.

/** @param {string} text "#..." @param {Record<string, any>} defaults */
export function fromFragment(text, defaults) {
  const state = { ...defaults };
  for (const [key, value] of new URLSearchParams(text.replace(/^#/, ""))) {
    const like = defaults[key];
    if (typeof like === "number" && value.trim() && Number.isFinite(Number(value))) state[key] = Number(value);
    else if (typeof like === "boolean" && /^[01]$/.test(value)) state[key] = value === "1";
    else if (typeof like === "string") state[key] = value;
  }
  return state;
}

/** @param {Record<string, any>} state @param {Record<string, any>} defaults */
export function toFragment(state, defaults) {
  const parts = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (value !== defaults[key]) parts.set(key, value === true ? "1" : value === false ? "0" : String(value));
  }
  return parts.toString();
}
