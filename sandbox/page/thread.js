// The thread pane: the root, whose status line changes in place, its replies, private answers, and a box to reply in.

import { acting, placeOf } from "./actor.js";
import { attaching, controlWithFiles } from "./attaching.js";
import { body } from "./blocks.js";
import { confirmed, control } from "./control.js";
import { byId, followEnd, keepEnd, orderOf, place, toEnd } from "./dom.js";
import { icon } from "./icons.js";
import { ephemeralNode, markStatus, messageNode, regroup, swap } from "./message.js";
import { isRoot, on, repliesOf, rootOf, state } from "./store.js";
import { typing } from "./typing.js";
import { narrow, openThread, view } from "./view.js";

/** @typedef {import("./store.js").Message} Message */
/** @typedef {import("./store.js").Ephemeral} Ephemeral */

/** @type {Map<string, HTMLElement>} ts, or id of a private answer → its node in this pane */
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
    if (event.key === "Escape" && view.thread && !document.querySelector("dialog[open]") && (narrow.matches || inside)) close();
  });
  byId("reply").querySelector(".send").append(icon("send"));
  typing(byId("reply"), reply, attaching(byId("reply"), byId("thread")));
  on("thread", redraw);
  on("actor", redraw);
  on("ephemeral", (now) => {
    if (!isHere(now)) return;
    if (now.gone) return hide(now.id);
    showPrivate(now);
    byId("live").textContent = `Only visible to you: ${body({ ...now, ts: now.id }).textContent}`;
  });
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

/** Whether a private answer belongs into the open thread, before these eyes. @param {Ephemeral} answer */
function isHere(answer) {
  return Boolean(view.thread) && answer.thread_ts === view.thread && answer.channel === view.channel && answer.user === acting();
}

/** Type in the thread; returns whether that worked. @param {string} text @param {File[]} files */
async function reply(text, files) {
  const also = byId("reply-also");
  const words = { channel: view.channel, thread_ts: view.thread, user: acting(), text, broadcast: also.checked };
  const answer = await controlWithFiles("write", words, files);
  if (answer) also.checked = false;
  toEnd(byId("thread-scroll"));
  return Boolean(answer);
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
  byId("reply-place").textContent = placeOf(root.channel);
  showRoot(root);
  for (const reply of repliesOf(root)) showReply(reply);
  for (const answer of state.ephemerals.values()) if (isHere(answer)) showPrivate(answer);
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
  if (reply.deleted) hide(reply.ts);
  else {
    const style = shown.has(reply.ts) ? "msg" : "msg arrived";
    put(reply.ts, messageNode(reply, { test: "thread-reply", "data-ts": reply.ts, class: style }), reply.at);
  }
  if (root) count(root);
}

/** @param {Ephemeral} answer */
function showPrivate(answer) {
  put(String(answer.id), ephemeralNode(answer, { test: "thread-ephemeral" }), answer.at);
}

/** @param {string} key @param {HTMLElement} node @param {number} at unix seconds */
function put(key, node, at) {
  const list = byId("thread-replies");
  const before = shown.get(key);
  shown.set(key, node);
  keepEnd(byId("thread-scroll"), () => {
    if (before) swap(before, node);
    place(list, node, orderOf(at, key));
    regroup(list);
  });
}

/** @param {string} key */
function hide(key) {
  keepEnd(byId("thread-scroll"), () => shown.get(key)?.remove());
  shown.delete(key);
  regroup(byId("thread-replies"));
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
