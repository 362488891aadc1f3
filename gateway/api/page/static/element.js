/** Makes elements of the document; text is always text, never markup. */

/**
 * @param {string} name
 * @param {Record<string, any>} [attributes] `class`, `data-…` and ARIA as attributes, functions as listeners (`onclick`)
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** @param {string} id @returns {any} the element of the page with this id */
export function byId(id) {
  return document.getElementById(id);
}
