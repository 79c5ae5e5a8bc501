// The open channel: root messages, replies that are shown in it, too, and private answers, oldest first.

import { acting } from "./actor.js";
import { body } from "./blocks.js";
import { timeOf } from "./dates.js";
import { byId, followEnd, h, keepEnd, orderOf, place, toEnd } from "./dom.js";
import { ephemeralNode, face, markStatus, messageNode, regroup, swap } from "./message.js";
import { mrkdwn } from "./mrkdwn.js";
import { isRoot, on, repliesOf, rootOf, state } from "./store.js";
import { enterThread } from "./thread.js";
import { view } from "./view.js";

/** @typedef {import("./store.js").Message} Message */

/** @type {Map<string, HTMLElement>} */
const shown = new Map();
let drawing = false; // the whole channel at once: grouping waits until the end

/** Draw the open channel and keep it current. */
export function showChannel() {
  followEnd(byId("messages"));
  on("channel", redraw);
  on("actor", redraw);
  on("message", (now) => {
    if (now.channel !== view.channel) return;
    const root = isRoot(now) ? now : rootOf(now);
    if (root) showRoot(root);
    const also = isRoot(now) ? repliesOf(now).filter(isBroadcast) : [now].filter(isBroadcast);
    for (const reply of also) showBroadcast(reply);
  });
  on("ephemeral", (now) => {
    if (now.channel !== view.channel || now.user !== acting() || now.thread_ts) return;
    if (now.gone) return remove(`answer ${now.id}`);
    showEphemeral(now);
    byId("live").textContent = `Only visible to you: ${body({ ...now, ts: now.id }).textContent}`;
  });
  on("thread", () => {
    for (const node of byId("messages").querySelectorAll(".msg")) {
      node.classList.toggle("open", Boolean(view.thread) && node.getAttribute("data-ts") === view.thread);
    }
  });
}

function redraw() {
  const pane = byId("messages");
  shown.clear();
  pane.replaceChildren();
  const here = (/** @type {{channel: string}} */ item) => item.channel === view.channel;
  drawing = true;
  const messages = [...state.messages.values()].filter(here);
  for (const message of messages.filter(isRoot)) showRoot(message);
  for (const reply of messages.filter(isBroadcast)) showBroadcast(reply);
  const mine = [...state.ephemerals.values()].filter(here).filter((answer) => answer.user === acting() && !answer.thread_ts);
  for (const answer of mine) showEphemeral(answer);
  drawing = false;
  regroup(pane);
  if (!pane.childElementCount) pane.append(empty());
  toEnd(pane);
}

function empty() {
  return h("p", { class: "empty" }, h("b", null, "Text your first customer: "),
    "click the example below and watch its thread follow the text to the phone.");
}

/** @param {Message} message */
function showRoot(message) {
  const replies = repliesOf(message);
  if (message.deleted && !replies.length) return remove(message.ts);
  const props = { test: `message-${message.ts}`, "data-ts": message.ts, openThread: () => enterThread(message.ts) };
  const node = messageNode(message, props, replies.length ? repliesLink(message, replies) : null);
  node.classList.toggle("open", message.ts === view.thread);
  const before = put(message.ts, node, orderOf(message.at, message.ts));
  if (message.bot) markStatus(node, before);
}

/** @param {Message} message */
const isBroadcast = (message) => message.broadcast && !isRoot(message);

/** A reply with a line above its words that leads to its thread. @param {Message} reply */
function showBroadcast(reply) {
  if (reply.deleted) return remove(reply.ts);
  const root = rootOf(reply);
  const words = !root || root.deleted ? "a message that was deleted" : h("p", null, mrkdwn(root.text)).textContent || "a file";
  const props = { type: "button", class: "replied-to", test: "replied-to", "data-action": "replied-to" };
  const link = h("p", { class: "replied" }, "replied to a thread: ",
    root ? h("button", { ...props, onclick: () => enterThread(root.ts) }, words) : words);
  const node = messageNode(reply, { class: "msg broadcast", test: "broadcast", "data-ts": reply.ts });
  node.querySelector(".byline")?.after(link);
  put(reply.ts, node, orderOf(reply.at, reply.ts));
}

/** @param {string} key */
function remove(key) {
  keepEnd(byId("messages"), () => shown.get(key)?.remove());
  shown.delete(key);
}

/** @param {import("./store.js").Ephemeral} answer */
function showEphemeral(answer) {
  const key = `answer ${answer.id}`;
  put(key, ephemeralNode(answer, {}), orderOf(answer.at, String(answer.id)));
}

/** Show a node; return the one that it replaces. @param {string} key @param {HTMLElement} node @param {string} order */
function put(key, node, order) {
  const pane = byId("messages");
  const before = shown.get(key);
  shown.set(key, node);
  keepEnd(pane, () => {
    pane.querySelector(".empty")?.remove();
    if (before) {
      node.dataset.order = before.dataset.order;
      swap(before, node);
    } else place(pane, node, order);
    if (!drawing) regroup(pane);
  });
  return before;
}

/** "2 replies, last at 10:42": opens the thread. @param {Message} root @param {Message[]} replies */
function repliesLink(root, replies) {
  const last = replies[replies.length - 1];
  const count = replies.length === 1 ? "1 reply" : `${replies.length} replies`;
  const props = { type: "button", class: "replies", test: "replies", "data-action": "replies" };
  return h("button", { ...props, onclick: () => enterThread(root.ts) },
    face(last.bot, last.name),
    h("b", null, count),
    h("span", null, `Last reply at ${timeOf(last.at)}`));
}
