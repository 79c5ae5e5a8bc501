// What one can do with a message: open its thread, and edit or delete one's own.

import { acting } from "./actor.js";
import { confirmed, control } from "./control.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { channelName, nameOf, unescape } from "./mrkdwn.js";
import { state, tell } from "./store.js";
import { grow, typing } from "./typing.js";

/** @typedef {import("./store.js").Message} Message */

/** The message being edited, as it stands now. */
const draft = { channel: "", ts: "", text: "" };

/** @param {Message} message */
export function isEdited(message) {
  return draft.ts === message.ts && draft.channel === message.channel && message.user === acting();
}

/**
 * The small buttons of a message; nothing for a message with which one can do nothing.
 * @param {Message} message
 * @param {(() => void) | undefined} openThread
 */
export function toolbar(message, openThread) {
  const own = !message.bot && message.user === acting() && !message.deleted && !isEdited(message);
  const buttons = [
    openThread ? button("thread", "Reply in thread", openThread) : null,
    own ? button("pencil", "Edit message", () => edit(message)) : null,
    own ? button("trash", "Delete message", () => remove(message)) : null,
  ].filter((one) => one !== null);
  return buttons.length ? h("div", { class: "toolbar", role: "group", "aria-label": "This message" }, buttons) : null;
}

/** @param {string} picture @param {string} words @param {() => void} onclick */
function button(picture, words, onclick) {
  const props = { type: "button", class: "icon-button", "aria-label": words, title: words, "data-action": words };
  return h("button", { ...props, onclick }, icon(picture));
}

/** @param {Message} message */
function edit(message) {
  Object.assign(draft, { channel: message.channel, ts: message.ts, text: typedFrom(message.text) });
  redraw(message);
}

/** @param {Message} message */
function leave(message) {
  draft.ts = "";
  redraw(message);
}

/** @param {Message} message */
function redraw(message) {
  const now = state.messages.get(`${message.channel} ${message.ts}`) ?? message;
  tell("message", now, now);
}

/** @param {Message} message */
async function remove(message) {
  const question = {
    title: { text: "Delete message" },
    text: { text: "Are you sure you want to delete this message? This cannot be undone." },
    confirm: { text: "Delete" },
    style: "danger",
  };
  const { channel, ts } = message;
  if (await confirmed(question)) control("delete", { channel, ts, user: acting() });
}

/** The box that stands in a message's place while it is edited. @param {Message} message */
export function editor(message) {
  const back = { "data-action": "Edit message" }; // where the keyboard goes on when this is drawn anew
  const words = h("textarea", { ...back, "aria-label": "Edit message", rows: 1, value: draft.text });
  const cancel = h("button", { ...back, class: "button small", type: "button", onclick: () => leave(message) }, "Cancel");
  const save = h("button", { ...back, class: "button small primary", type: "submit" }, "Save");
  const form = /** @type {HTMLFormElement} */ (
    h("form", { class: "editor" }, words, h("div", { class: "editor-buttons" }, cancel, save)));
  words.addEventListener("input", () => (draft.text = /** @type {any} */ (words).value));
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation(); // it would close the thread
    leave(message);
  });
  typing(form, async (text) => {
    const { channel, ts } = message;
    const done = await control("edit", { channel, ts, user: acting(), text });
    if (done) leave(message);
    return Boolean(done);
  });
  requestAnimationFrame(() => grow(/** @type {any} */ (words)));
  return form;
}

/** What its author would have to type to say it again. @param {string} text as Slack keeps it */
function typedFrom(text) {
  return unescape(text.replace(/<([^<>|]+)(?:\|[^<>]*)?>/g, (_, target) => {
    if (target[0] === "@") return `@${nameOf(target.slice(1))}`;
    if (target[0] === "#") return `#${channelName(target.slice(1))}`;
    if (target.startsWith("!subteam^")) return `@${nameOf(target.slice(9))}`;
    return target[0] === "!" ? `@${target.slice(1)}` : target;
  }));
}
