// What the reader is looking at: which channel, which thread.

import { channels } from "./actor.js";
import { isRoot, on, state, tell } from "./store.js";

export const view = { channel: "", thread: "" };

/** Set while a command typed here may still open a root message: its thread is then shown. */
let following = true;

/** @param {string} id */
export function openChannel(id) {
  if (view.channel === id) return;
  view.channel = id;
  tell("channel", id);
  const open = state.messages.get(`${id} ${view.thread}`);
  if (!open) openThread("");
}

/** Show the thread of a root in the open channel; "" closes it. @param {string} ts */
export function openThread(ts) {
  view.thread = ts;
  tell("thread", ts);
}

/** The next root message of the bot in this channel is what the reader waits for. */
export function followNext() {
  following = true;
}

/** Phone width: one pane at a time, and a thread covers its channel. */
export const narrow = matchMedia("(max-width: 899px)");

/** A link to a message leads to it here: the workspace has no address outside. */
export function followLinks() {
  addEventListener("click", (event) => {
    const { href } = /** @type {any} */ (event.target).closest?.("a[href]") ?? {};
    const [, channel, seconds, rest] = /^https:\/\/sandbox\.slack\.com\/archives\/(\w+)\/p(\d+)(\d{6})$/.exec(href ?? "") ?? [];
    if (!channel) return;
    event.preventDefault();
    const ts = `${seconds}.${rest}`;
    openChannel(channel);
    openThread(state.messages.get(`${channel} ${ts}`)?.thread_ts ?? ts);
  });
}

/** Open the first thread there is, and later the thread of each command typed here. */
export function watchThreads() {
  on("state", () => {
    if (!leave()) tell("channel", view.channel);
    if (!state.messages.has(`${view.channel} ${view.thread}`)) openThread("");
    else tell("thread", view.thread);
    if (!view.thread) follow([...state.messages.values()].findLast(isFollowed));
  });
  on("actor", leave);
  on("message", (now, before) => {
    if (!before && isFollowed(now)) follow(now);
  });
}

/** Leave a channel that is not there for this reader; returns whether it was left. */
function leave() {
  const known = channels().some((channel) => channel.id === view.channel);
  if (!known) openChannel(channels()[0]?.id ?? "");
  return !known;
}

/** Whether it is about a customer: only then it says, in a context block, how things stand. @param {import("./store.js").Message} message */
function isFollowed(message) {
  const stands = message.blocks?.some((block) => block.type === "context");
  return isRoot(message) && message.bot && stands && !message.deleted && message.channel === view.channel;
}

/** @param {import("./store.js").Message | undefined} root */
function follow(root) {
  if (!root || !following || narrow.matches) return;
  following = false;
  openThread(root.ts);
}
