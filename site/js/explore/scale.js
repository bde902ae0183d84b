// Scales and ticks of a figure; nothing here draws.

/** A function from [a, b] to [from, to], linear; `.back` is its inverse. */
export function linear([a, b], [from, to]) {
  const scale = (value) => from + (value - a) / (b - a) * (to - from);
  scale.back = (at) => a + (at - from) / (to - from) * (b - a);
  return scale;
}

/** The same on a logarithmic axis; a and b are positive. */
export function logarithmic([a, b], range) {
  const inner = linear([Math.log10(a), Math.log10(b)], range);
  const scale = (value) => inner(Math.log10(value));
  scale.back = (at) => 10 ** inner.back(at);
  return scale;
}

/** The powers of ten within [a, b]. */
export function decades(a, b) {
  const found = [];
  for (let n = Math.ceil(Math.log10(a) - 1e-9); n <= Math.log10(b) + 1e-9; n += 1) found.push(10 ** n);
  return found;
}

/** 0.25 -> "250 ms", 3.609 -> "3.61 s", 0.03609 -> "36 ms" */
export function duration(seconds) {
  if (seconds === 0) return "0 s";
  if (seconds < 0.001) return `${Number((seconds * 1000).toFixed(1))} ms`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  return `${Number(seconds.toFixed(2))} s`;
}

/** How often in words: a number for a day, or what is nearer to a reader. */
export function often(perDay) {
  if (perDay >= 1440) return `${count(perDay / 1440)} a minute`;
  if (perDay >= 48) return `${count(perDay / 24)} an hour`;
  if (perDay >= 1) return `${count(perDay)} a day`;
  return `${count(perDay * 30)} a month`;
}

/** 1234.5 -> "1,235", 12.34 -> "12", 1.23 -> "1.2" */
export function count(value) {
  if (value >= 10) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toFixed(1)));
}

/** How long was watched: 3300 -> "55 minutes". */
export function stretch(seconds) {
  const [size, word] = seconds < 90 ? [1, "second"] : seconds < 5400 ? [60, "minute"]
    : seconds < 129600 ? [3600, "hour"] : [86400, "day"];
  const number = count(seconds / size);
  return `${number} ${word}${number === "1" ? "" : "s"}`;
}

/** The points of a polyline or path: [[x, y], ...] -> "x,y x,y". */
export function points(list) {
  return list.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
}
