// Elements of a page by their ids.  A page without one of them is a mistake of ours.

/** @param {string} id @returns {HTMLElement} */
export function by(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`this page has no element #${id}`);
  return found;
}

/** A field or a list to choose from. @param {string} id */
export const fieldBy = (id) => /** @type {HTMLInputElement} */ (by(id));

/** @param {string} id */
export const choiceBy = (id) => /** @type {HTMLSelectElement} */ (by(id));
