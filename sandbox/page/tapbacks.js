// Tapbacks: the six signs that a customer can put on a text, from a small menu beside its bubble.

import { control } from "./control.js";
import { byId, h } from "./dom.js";
import { glyph } from "./glyphs.js";
import { icon } from "./icons.js";

/** @type {Record<string, string>} what each sign is called on a phone */
const SIGNS = { "❤️": "Heart", "👍": "Thumbs up", "👎": "Thumbs down", "😂": "Ha ha", "‼️": "Exclamation", "❓": "Question mark" };

const EDGE = 8; // pixels between the menu and the edge of the window

let target = ""; // the handle of the text that the menu is for

/** Make the menu. */
export function showTapbacks() {
  const menu = byId("tapbacks");
  menu.append(...Object.entries(SIGNS).map(([sign, name]) => {
    const props = { type: "button", role: "menuitem", tabindex: "-1", "aria-label": name, title: name };
    return h("button", { ...props, onclick: () => react(sign) }, glyph(sign));
  }));
  menu.addEventListener("keydown", keys);
  menu.addEventListener("toggle", (/** @type {any} */ event) => {
    if (event.newState !== "closed") return;
    // The button may have been drawn anew meanwhile.
    if (menu.contains(document.activeElement) || document.activeElement === document.body) buttonOf(target)?.focus();
  });
}

/** The button that opens the menu. @param {string} handle of a text to the customer */
export function tapbackButton(handle) {
  const props = { class: "react", type: "button", "aria-label": "Tapback", title: "Put a tapback on this text" };
  return h("button", { ...props, "aria-haspopup": "menu", "data-react": handle, onclick: () => open(handle) }, icon("smile"));
}

/** The sign that stands on a bubble. @param {string} sign */
export function tapbackBadge(sign) {
  return h("span", { class: "badge", role: "img", "aria-label": `Tapback: ${SIGNS[sign] ?? sign}` }, glyph(sign) ?? sign);
}

/** @param {string} handle @returns {HTMLElement | null} */
export const buttonOf = (handle) => byId("phone").querySelector(`[data-react="${CSS.escape(handle)}"]`);

/** @param {string} handle */
function open(handle) {
  const menu = byId("tapbacks");
  target = handle;
  menu.showPopover();
  const { left, top, bottom } = /** @type {HTMLElement} */ (buttonOf(handle)).getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const above = top - height - EDGE;
  menu.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - width - EDGE))}px`;
  menu.style.top = `${above < EDGE ? bottom + EDGE : above}px`;
  menu.querySelector("button").focus();
}

/** @param {string} sign */
function react(sign) {
  byId("tapbacks").hidePopover();
  control("react", { handle: target, sign });
}

/** Arrows go from sign to sign, and round. @param {KeyboardEvent} event */
function keys(event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const items = [...byId("tapbacks").children];
  const place = items.indexOf(/** @type {Element} */ (document.activeElement));
  /** @type {HTMLElement} */ (items[(place + step + items.length) % items.length]).focus();
}
