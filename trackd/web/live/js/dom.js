/** Elements, made of names and texts. A text becomes a text node: nothing here reads markup. */

/**
 * @param {string} name of the element, with classes behind dots: `button.plain`
 * @param {Record<string, any>} [properties] `on…` are listeners, `data…` and names with `-` attributes; false and null
 *   leave an attribute out
 * @param {...any} children nodes and texts; lists are taken apart, null and false left out
 * @returns {any}
 */
export function h(name, properties = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) set(element, key, value);
  element.append(...nodes(children));
  return element;
}

/** @param {Element} element @param {string} key @param {any} value */
function set(element, key, value) {
  if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
  else if (key === "class") element.classList.add(...value.split(" ").filter(Boolean));
  else if (key.includes("-") || key === "role" || key === "for" || key === "list" || key === "colspan")
    attribute(element, key, value);
  else if (value !== undefined && value !== null) element[key] = value;
}

/** @param {Element} element @param {string} name @param {any} value */
export function attribute(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "true" : String(value));
}

/** @param {any[]} children @returns {(Node | string)[]} */
function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false && child !== "")
    .map((child) => (child instanceof Node ? child : String(child)));
}

/** Put these in place of what the element has. @param {Element} element @param {...any} children */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** Set a text only if it differs. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Whether the reader has marked some of its text, perhaps to copy it. @param {Element} element */
export function selects(element) {
  const selection = getSelection();
  return Boolean(selection && !selection.isCollapsed && element.contains(selection.anchorNode));
}

let last = 0;

/** A new id for an element that another one refers to. */
export function freshId() {
  last += 1;
  return `e${last}`;
}

/** The computed colour of a custom property. @param {string} name */
export function colour(name) {
  const probe = h("i", { hidden: true });
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
