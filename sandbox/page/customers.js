// Whose phone is shown: everybody there is something to read of, somebody new, or a group chat.

import { byId, h } from "./dom.js";
import { state } from "./store.js";

/** @typedef {import("./store.js").Phone} Phone */

const SOMEBODY_NEW = "new";
const FIRST_NEW = 4155553001; // then upwards: numbers that the tour and the examples do not use

/** Every message on the phones, oldest first. @returns {Phone[]} */
export function inOrder() {
  return [...state.phones.values()].sort((a, b) => a.at - b.at);
}

/** The conversation a message belongs to: a customer's number, or a group's id. @param {Phone} message */
export const conversationOf = (message) => message.group_id || message.number;

/** All conversations, the one heard of last at the end. */
export function conversations() {
  return [...new Set(inOrder().map(conversationOf).reverse())].reverse();
}

/** @param {string} conversation */
export const isGroup = (conversation) => Boolean(conversation) && conversation === state.group?.id;

/** The group's name, or a number as people write it. @param {string} conversation */
export const titleOf = (conversation) =>
  isGroup(conversation) ? `${state.group?.name} (group)` : pretty(conversation);

/**
 * One choice per conversation, the one heard of last on top, then the two that anybody can begin: any number of them
 * fits, and the keyboard reaches all.
 * @param {string} open the conversation on screen; it may have nothing in it yet
 */
export function listCustomers(open) {
  const select = byId("customers");
  const there = conversations().reverse();
  if (open && !there.includes(open)) there.unshift(open);
  const group = state.group && !there.includes(state.group.id) ? [state.group.id] : [];
  const wanted = [...there, SOMEBODY_NEW, ...group];
  const known = [...select.options].map((/** @type {HTMLOptionElement} */ option) => option.value);
  // A list that is open would close if its options were drawn anew.
  if (wanted.join() !== known.join()) select.replaceChildren(...wanted.map(option));
  select.value = open || wanted[0];
}

/** @param {string} value */
function option(value) {
  return h("option", { value }, value === SOMEBODY_NEW ? "Somebody new" : titleOf(value));
}

/** The conversation that was chosen: for somebody new, a number that nobody has texted. @returns {string} */
export function chosenCustomer() {
  const value = byId("customers").value;
  if (value !== SOMEBODY_NEW) return value;
  const known = conversations();
  let last = FIRST_NEW;
  while (known.includes(`+1${last}`)) last += 1;
  return `+1${last}`;
}

/** +14155552671 → +1 (415) 555-2671. @param {string} number E.164 */
export function pretty(number) {
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number);
  return parts ? `+1 (${parts[1]}) ${parts[2]}-${parts[3]}` : number;
}
