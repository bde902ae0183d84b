// The files of a tar archive (ustar, names of less than 100 characters), as site/python.mjs writes it.

const BLOCK = 512, NAME = 100, SIZE = [124, 136];

/**
 * @param {Uint8Array} bytes
 * @returns {Generator<[string, Uint8Array]>} path and contents, which share the memory of `bytes`
 */
export function* untar(bytes) {
  const text = (from, to) => new TextDecoder().decode(bytes.subarray(from, to)).split("\0")[0];
  for (let at = 0; bytes[at];) {
    const size = parseInt(text(at + SIZE[0], at + SIZE[1]), 8), from = at + BLOCK;
    yield [text(at, at + NAME), bytes.subarray(from, from + size)];
    at = from + Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** Write every file below `folder`. @param {any} FS of Pyodide @param {Uint8Array} bytes */
export function unpack(FS, folder, bytes) {
  for (const [path, contents] of untar(bytes)) {
    const place = `${folder}/${path}`;
    FS.mkdirTree(place.slice(0, place.lastIndexOf("/")));
    FS.writeFile(place, contents);
  }
}
