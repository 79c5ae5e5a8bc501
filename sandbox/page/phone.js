// The customer's phone: bubbles, delivery labels, and the customer's own hands.

import { control } from "./control.js";
import { dayOf, timeOf } from "./dates.js";
import { byId, h, nodes } from "./dom.js";
import { icon } from "./icons.js";
import { on, state } from "./store.js";

/** @typedef {import("./store.js").Phone} Phone */

const FAILED = new Set(["ERROR", "DECLINED", "FAILED"]);
const UNDERWAY = new Set(["REGISTERED", "PENDING", "QUEUED", "ACCEPTED"]);
const PAUSE = 900; // seconds of silence before the time is shown again

let open = ""; // the number whose conversation is shown
let fresh = ""; // the handle that has just arrived, for its little jump

/** Draw the phone and keep it current. */
export function showPhone() {
  on("state", () => {
    const numbers = conversations();
    if (!numbers.includes(open)) open = numbers[numbers.length - 1] ?? "";
    draw();
  });
  on("phone", (now, before) => {
    if (!before) arrived(now);
    draw();
  });
  on("opted_out", () => {
    draw();
    byId("live").textContent = open ? `${pretty(open)}: ${consent() ?? "gets texts again"}` : "";
  });
  on("faults", draw);
  byId("customers").addEventListener("change", () => {
    open = byId("customers").value;
    draw();
  });
  byId("read-it").addEventListener("click", () => {
    const message = newestOut();
    if (message) control("read", { handle: message.handle });
  });
  byId("customer").addEventListener("submit", answer);
}

/** @param {Phone} message */
function arrived(message) {
  fresh = message.handle;
  if (!open || !byId("answer").value) open = message.number;
}

/** @param {Event} event */
async function answer(event) {
  event.preventDefault();
  const box = byId("answer");
  const text = box.value.trim();
  if (!text || !open) return;
  box.value = "";
  const done = await control("reply", { number: open, text });
  if (!done && !box.value) box.value = text;
}

/** Customers' numbers, the one heard of last at the end. */
function conversations() {
  return [...new Set(inOrder().map((message) => message.number).reverse())].reverse();
}

function inOrder() {
  return [...state.phones.values()].sort((a, b) => a.at - b.at);
}

/** The newest text to the customer on screen. */
function newestOut() {
  return inOrder().findLast((message) => message.number === open && message.outbound);
}

function draw() {
  switcher();
  byId("phone").replaceChildren(frameHead(), thread());
  const list = byId("phone").querySelector(".bubbles");
  list.scrollTop = list.scrollHeight;
  hands();
}

/** One choice per customer, the one heard of last on top: any number of them fits, and the keyboard reaches all. */
function switcher() {
  const select = byId("customers");
  const numbers = conversations().reverse();
  const known = [...select.options].map((/** @type {HTMLOptionElement} */ option) => option.value);
  // A list that is open would close if its options were drawn anew.
  if (numbers.join() !== known.join()) {
    select.replaceChildren(...numbers.map((number) => h("option", { value: number }, pretty(number))));
  }
  select.value = open;
  select.hidden = !numbers.length;
}

function frameHead() {
  const clock = timeOf(Date.now() / 1000).replace(/\s.*/, "");
  return h("div", { class: "phone-head" },
    h("p", { class: "phone-bar", "aria-hidden": "true" }, h("span", null, clock), h("i"), h("b")),
    h("span", { class: "phone-face" }, icon("person")),
    h("p", { class: "phone-number" }, open ? pretty(open) : "No conversation yet"),
    h("p", { class: "phone-state", test: "phone-state" }, open ? consent() : null));
}

/** Whether this customer can be texted, in words; nothing while they can. */
function consent() {
  if (state.optedOut.has(open)) return "Opted out until they text START";
  return state.faults.sendblue.opted_out ? "Opted out by “Everyone said STOP”" : null;
}

function thread() {
  const list = h("div", { class: "bubbles", tabindex: "0", role: "log", "aria-label": "Text messages" });
  const messages = inOrder().filter((message) => message.number === open);
  if (!messages.length) list.append(h("p", { class: "empty" }, "Texts sent from Slack arrive here."));
  const newest = newestOut();
  messages.forEach((message, index) => {
    const [above, below] = [messages[index - 1], messages[index + 1]];
    if (!above || isText(above) !== isText(message) || message.at - above.at > PAUSE) list.append(stamp(message));
    list.append(...bubble(message, below?.outbound !== message.outbound, message === newest));
  });
  fresh = "";
  return list;
}

/** How and when the next texts went. @param {Phone} message */
function stamp(message) {
  return h("p", { class: "stamp" },
    h("b", null, isText(message) ? "Text Message" : "iMessage"),
    h("span", null, `${dayOf(message.at)} ${timeOf(message.at)}`));
}

/**
 * A bubble and what stands under it.
 * @param {Phone} message
 * @param {boolean} last of several by one side: it carries the tail
 * @param {boolean} newest the newest text to the customer: it carries the delivery label
 */
function bubble(message, last, newest) {
  const service = isText(message) ? "SMS" : "iMessage";
  const side = message.outbound ? `out ${service.toLowerCase()}` : "in";
  const props = {
    class: `bubble ${side} ${last ? "last" : ""} ${message.handle === fresh ? "arrived" : ""}`,
    test: "bubble",
    role: "group",
    "aria-label": message.outbound ? "To the customer" : "From the customer",
    "data-handle": message.handle,
    "data-service": service,
  };
  const failed = FAILED.has(word(message));
  return nodes([
    h("div", props,
      message.media_url ? picture(message.media_url) : null,
      message.content ? h("p", null, message.content) : null),
    message.send_style ? h("p", { class: "effect" }, `Sent with ${message.send_style} effect`) : null,
    message.outbound && (failed || newest) ? label(message, failed) : null,
  ]);
}

/** The small words under a bubble. @param {Phone} message @param {boolean} failed */
function label(message, failed) {
  const words = statusWords(message);
  const reason = failed && message.error_code ? ` (error ${message.error_code})` : "";
  const style = failed ? "bubble-status failed" : "bubble-status";
  return h("p", { class: style, test: "bubble-status" }, failed ? icon("alert") : null, words + reason);
}

/** @param {Phone} message */
function statusWords(message) {
  const status = word(message);
  if (FAILED.has(status)) return "Not Delivered";
  if (status === "READ") return "Read";
  if (UNDERWAY.has(status)) return "Sending…";
  if (isText(message)) return "Sent as Text Message";
  if (status === "DELIVERED") return "Delivered";
  return "Sent";
}

/** @param {Phone} message */
const word = (message) => (message.status ?? "").toUpperCase();

/** Green: it went as SMS. @param {Phone} message */
const isText = (message) => message.was_downgraded === true || (message.service ?? "").toUpperCase() === "SMS";

/** Named, not fetched: this page asks nothing of the outside. @param {string} address */
function picture(address) {
  const name = address.split(/[?#]/)[0].split("/").pop() || "Picture";
  return h("span", { class: "bubble-picture", title: address }, icon("picture"), name);
}

/** What the customer can do now. */
function hands() {
  const newest = newestOut();
  const status = newest ? word(newest) : "";
  const button = byId("read-it");
  button.disabled = !newest || status === "READ" || FAILED.has(status) || isText(newest);
  button.title = newest && isText(newest) ? "Text messages have no read receipts" : "Open the newest text on the phone";
  byId("answer").disabled = !open;
  byId("customer").querySelector('[type="submit"]').disabled = !open;
}

/** +14155552671 → +1 (415) 555-2671. @param {string} number E.164 */
export function pretty(number) {
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number);
  return parts ? `+1 (${parts[1]}) ${parts[2]}-${parts[3]}` : number;
}
