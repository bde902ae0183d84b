// An order of a learner's own, which is the same whenever the same is asked.
//
//   shuffled(["web1", "web2", "both"], `${seed} ${question}`)

/** @template T @param {readonly T[]} list @param {string} key @returns {T[]} */
export function shuffled(list, key) {
  const found = [...list], next = numbers(key);
  for (let n = found.length - 1; n > 0; n -= 1) {
    const other = Math.floor(next() * (n + 1));
    [found[n], found[other]] = [found[other], found[n]];
  }
  return found;
}

// Numbers from 0 to 1 that follow from the text: FNV-1a, then the generator mulberry32.
function numbers(text) {
  let state = 0x811c9dc5;
  for (const letter of text) state = Math.imul(state ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
