// The customer's phone: bubbles, delivery labels, and the customer's own hands.

import { placeOf } from "./actor.js";
import { attaching, controlWithFiles } from "./attaching.js";
import { control } from "./control.js";
import { chosenCustomer, conversationOf, conversations, inOrder, isGroup, listCustomers, pretty, titleOf } from "./customers.js";
import { dayOf, timeOf } from "./dates.js";
import { byId, h, nodes } from "./dom.js";
import { phoneFile } from "./files.js";
import { withGlyphs } from "./glyphs.js";
import { icon } from "./icons.js";
import { on, state } from "./store.js";
import { buttonOf, showTapbacks, tapbackBadge, tapbackButton } from "./tapbacks.js";

/** @typedef {import("./store.js").Phone} Phone */

const FAILED = new Set(["ERROR", "DECLINED", "FAILED"]);
const UNDERWAY = new Set(["REGISTERED", "PENDING", "QUEUED", "ACCEPTED"]);
const PAUSE = 900; // seconds of silence before the time is shown again

let open = ""; // the conversation that is shown: a number, or a group's id
let fresh = ""; // the handle that has just arrived, for its little jump
/** @type {import("./attaching.js").Attached} */
let attached;

/** Draw the phone and keep it current. */
export function showPhone() {
  showTapbacks();
  attached = attaching(byId("customer"), byId("pane-phone"));
  on("state", () => {
    const there = conversations();
    if (!there.includes(open)) open = there[there.length - 1] ?? "";
    const people = state.group?.people ?? [];
    byId("member").replaceChildren(...people.map((number) => h("option", { value: number }, pretty(number))));
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
    open = chosenCustomer();
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
  if (!open || !(byId("answer").value || attached.any())) open = conversationOf(message);
}

/** @param {Event} event */
async function answer(event) {
  event.preventDefault();
  const box = byId("answer");
  const text = box.value.trim();
  if (!open) return;
  const files = attached.take();
  if (!text && !files.length) return;
  box.value = "";
  const group = isGroup(open);
  const done = await controlWithFiles("reply", { number: group ? byId("member").value : open, text, group }, files);
  if (done) return;
  if (!box.value) box.value = text;
  attached.give(files);
}

/** The newest text to the customer on screen. */
function newestOut() {
  return inOrder().findLast((message) => conversationOf(message) === open && message.outbound);
}

function draw() {
  const focused = document.activeElement?.getAttribute("data-react");
  listCustomers(open);
  byId("phone").replaceChildren(frameHead(), thread());
  const list = byId("phone").querySelector(".bubbles");
  const toEnd = () => (list.scrollTop = list.scrollHeight);
  toEnd();
  list.addEventListener("load", toEnd, true); // a picture takes its room only then
  if (focused) buttonOf(focused)?.focus();
  hands();
}

function frameHead() {
  const clock = timeOf(Date.now() / 1000).replace(/\s.*/, "");
  return h("div", { class: "phone-head" },
    h("p", { class: "phone-bar", "aria-hidden": "true" }, h("span", null, clock), h("i"), h("b")),
    h("span", { class: "phone-face" }, icon(isGroup(open) ? "people" : "person")),
    h("p", { class: "phone-number" }, open ? titleOf(open) : "No conversation yet"),
    h("p", { class: "phone-state", test: "phone-state" }, open ? consent() : null));
}

/** Whether this customer can be texted, in words; nothing while they can. */
function consent() {
  if (state.optedOut.has(open)) return "Opted out until they text START";
  return state.faults.sendblue.opted_out ? "Opted out by “Everyone said STOP”" : null;
}

function thread() {
  const list = h("div", { class: "bubbles", tabindex: "0", role: "log", "aria-label": "Text messages" });
  const everything = inOrder().filter((message) => conversationOf(message) === open);
  const messages = everything.filter((message) => !message.reacts_to);
  const signs = new Map(everything.map((message) => [message.reacts_to, message.sign]));
  if (!messages.length) list.append(h("p", { class: "empty" }, emptyWords()));
  const newest = newestOut();
  messages.forEach((message, index) => {
    const [above, below] = [messages[index - 1], messages[index + 1]];
    if (!above || isText(above) !== isText(message) || message.at - above.at > PAUSE) list.append(stamp(message));
    if (message.group_id && above?.number !== message.number) list.append(sender(message));
    const last = below?.outbound !== message.outbound || below.number !== message.number;
    list.append(...bubble(message, last, message === newest, signs.get(message.handle) ?? ""));
  });
  fresh = "";
  return list;
}

function emptyWords() {
  if (!open) return "Texts sent from Slack arrive here.";
  return isGroup(open) ? "A group chat that your line is in. Write the first text." : "Nobody has texted this number. Write the first text.";
}

/** Who of a group wrote what follows. @param {Phone} message */
const sender = (message) => h("p", { class: "sender" }, pretty(message.number));

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
 * @param {string} sign the tapback on it
 */
function bubble(message, last, newest, sign) {
  const service = isText(message) ? "SMS" : "iMessage";
  const side = message.outbound ? `out ${service.toLowerCase()}` : "in";
  const props = {
    class: nodes(["bubble", side, last && "last", sign && "signed", !message.content && "only-files",
      message.handle === fresh && "arrived"]).join(" "),
    test: "bubble",
    role: "group",
    "aria-label": message.outbound ? "To the customer" : `From ${message.group_id ? pretty(message.number) : "the customer"}`,
    "data-handle": message.handle,
    "data-service": service,
  };
  const failed = FAILED.has(word(message));
  return nodes([
    h("div", props,
      message.media.map(phoneFile),
      message.content ? h("p", null, withGlyphs(message.content)) : null,
      sign ? tapbackBadge(sign) : null,
      message.outbound && !failed ? tapbackButton(message.handle) : null),
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

/** What the customer can do now. */
function hands() {
  const newest = newestOut();
  const status = newest ? word(newest) : "";
  const button = byId("read-it");
  button.disabled = !newest || status === "READ" || FAILED.has(status) || isText(newest);
  button.title = newest && isText(newest) ? "Text messages have no read receipts" : "Open the newest text on the phone";
  button.hidden = isGroup(open);
  byId("member").hidden = !isGroup(open);
  byId("customer-note").textContent = whereItAppears(newest);
  for (const hand of byId("customer").querySelectorAll('#answer, .clip, [type="submit"]')) hand.disabled = !open;
}

/** Where in Slack one finds what is written here. @param {Phone | undefined} newest */
function whereItAppears(newest) {
  if (isGroup(open)) return `Appears in ${placeOf(state.inbox)}. Nobody can answer a group.`;
  if (open && !newest) return `Appears in ${placeOf(state.inbox)}, as nobody has texted them.`;
  return "Answers appear in the customer’s thread.";
}
