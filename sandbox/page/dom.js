// Building DOM nodes. Outside text only ever becomes a text node or an attribute, never markup.

/** @typedef {Node | string | number | null | undefined | false} Child */

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden"]);

/**
 * Make an element: `h("p", {class: "note", test: "ephemeral"}, "text", child)`.
 * `test` is the data-testid, `on…` functions are listeners, absent values are left out.
 * @param {string} tag
 * @param {Record<string, any> | null} [props]
 * @param {...(Child | Child[])} children
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "test") element.dataset.testid = value;
    else if (PROPERTIES.has(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

/** Flatten children and drop the absent ones. @param {any[]} children @returns {(Node | string)[]} */
export function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/** The element with this id; a missing one is a mistake in index.html. @param {string} id @returns {any} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return element;
}

const LINE = 48; // pixels from the end that still count as being there

/** @type {WeakSet<HTMLElement>} scrolling panes that show their end */
const following = new WeakSet();

/**
 * Let a scrolling pane follow its end until the reader scrolls up, whatever grows or shrinks around it.
 * @param {HTMLElement} pane
 */
export function followEnd(pane) {
  let last = 0;
  following.add(pane);
  pane.addEventListener("scroll", () => {
    const near = pane.scrollHeight - pane.scrollTop - pane.clientHeight < LINE;
    if (near) following.add(pane);
    else if (pane.scrollTop < last) following.delete(pane); // growth moves nothing up, a reader does
    last = pane.scrollTop;
  });
  const observer = new ResizeObserver(() => following.has(pane) && toEnd(pane));
  observer.observe(pane);
}

/** Change a pane; its end stays in view if it was. @param {HTMLElement} pane @param {() => void} change */
export function keepEnd(pane, change) {
  const stick = following.has(pane);
  change();
  if (stick) toEnd(pane);
}

/** Show the end of a pane now. @param {HTMLElement} pane */
export function toEnd(pane) {
  following.add(pane);
  pane.scrollTop = pane.scrollHeight;
}

/**
 * Put `element` into `list` so that `data-order` stays ascending (news mostly comes last).
 * @param {HTMLElement} list @param {HTMLElement} element @param {string} order
 */
export function place(list, element, order) {
  element.dataset.order = order;
  let before = list.lastElementChild;
  while (before && (before === element || /** @type {HTMLElement} */ (before).dataset.order > order)) {
    before = before.previousElementSibling;
  }
  const next = before ? before.nextElementSibling : list.firstElementChild;
  if (next !== element) list.insertBefore(element, next);
}

/** A sortable form of unix seconds, with a second key for equal times. @param {number} at @param {string} [tie] */
export function orderOf(at, tie = "") {
  return `${at.toFixed(6).padStart(20, "0")} ${tie}`;
}
