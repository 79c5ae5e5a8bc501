// The thread pane: the root, whose status line changes in place, and its replies.

import { placeOf } from "./actor.js";
import { confirmed, control } from "./control.js";
import { byId, followEnd, keepEnd, toEnd } from "./dom.js";
import { icon } from "./icons.js";
import { markStatus, messageNode, regroup, swap } from "./message.js";
import { isRoot, on, repliesOf, rootOf, state } from "./store.js";
import { narrow, openThread, view } from "./view.js";

/** @typedef {import("./store.js").Message} Message */

/** @type {Map<string, HTMLElement>} ts → its node in this pane */
const shown = new Map();

/** Draw the open thread, keep it current, and let Escape and the cross close it. */
export function showThread() {
  followEnd(byId("thread-scroll"));
  byId("thread-close").append(icon("close"));
  byId("thread-close").addEventListener("click", close);
  byId("thread-delete").append(icon("trash"));
  byId("thread-delete").addEventListener("click", deleteRoot);
  addEventListener("keydown", (event) => {
    const inside = byId("thread").contains(document.activeElement);
    if (event.key === "Escape" && view.thread && !byId("confirm").open && (narrow.matches || inside)) close();
  });
  on("thread", redraw);
  on("message", (now, before) => {
    announce(now, before);
    if (!view.thread || now.channel !== view.channel) return;
    if (now.ts === view.thread) showRoot(now);
    else if (now.thread_ts === view.thread) showReply(now);
  });
}

/** Open a thread and go into it, so that Escape leads out again. @param {string} ts */
export function enterThread(ts) {
  openThread(ts);
  byId("thread-title").focus();
}

function close() {
  const back = byId("messages").querySelector(`[data-ts="${CSS.escape(view.thread)}"] .replies`);
  openThread("");
  /** @type {any} */ (back ?? byId("composer-input")).focus();
}

/** Its replies stay; what is to be said after that finds no thread. */
async function deleteRoot() {
  const { channel, thread } = view;
  const question = {
    title: { text: "Delete the first message?" },
    text: { text: "Its replies stay, as in Slack. Then write on the phone or text the customer: the bot needs another place." },
    confirm: { text: "Delete it" },
    style: "danger",
  };
  if (await confirmed(question)) control("delete", { channel, ts: thread });
}

function redraw() {
  const root = state.messages.get(`${view.channel} ${view.thread}`);
  const pane = byId("thread");
  pane.hidden = !root;
  document.body.dataset.thread = root ? "open" : "";
  shown.clear();
  byId("thread-root").replaceChildren();
  byId("thread-replies").replaceChildren();
  if (!root) return;
  byId("thread-channel").textContent = placeOf(root.channel);
  showRoot(root);
  for (const reply of repliesOf(root)) showReply(reply);
  toEnd(byId("thread-scroll"));
}

/** @param {Message} root */
function showRoot(root) {
  const node = messageNode(root, { test: "thread-root" });
  const before = shown.get(root.ts);
  shown.set(root.ts, node);
  keepEnd(byId("thread-scroll"), () => {
    if (root.bot) markStatus(node, before);
    if (before) swap(before, node);
    else byId("thread-root").replaceChildren(node);
  });
  byId("thread-delete").hidden = root.deleted;
  count(root);
}

/** @param {Message} reply */
function showReply(reply) {
  const root = rootOf(reply);
  const list = byId("thread-replies");
  const before = shown.get(reply.ts);
  keepEnd(byId("thread-scroll"), () => {
    if (reply.deleted) {
      before?.remove();
      shown.delete(reply.ts);
    } else {
      const style = before ? "msg" : "msg arrived";
      const node = messageNode(reply, { test: "thread-reply", "data-ts": reply.ts, class: style });
      shown.set(reply.ts, node);
      if (before) swap(before, node);
      else list.append(node);
    }
    regroup(list);
  });
  if (root) count(root);
}

/** @param {Message} root */
function count(root) {
  const replies = repliesOf(root).length;
  const words = replies === 1 ? "1 reply" : `${replies} replies`;
  byId("thread-count").textContent = replies ? words : "No reply yet: news about this text appears here";
}

/**
 * Say aloud what is new about a text, wherever the reader is.
 * @param {Message} now
 * @param {Message | undefined} before
 */
function announce(now, before) {
  if (!now.bot || now.deleted || !isRoot(now) || !before) return;
  const words = markStatus(messageNode(now, {}), messageNode(before, {}));
  if (words) byId("live").textContent = `Status: ${words}`;
}
