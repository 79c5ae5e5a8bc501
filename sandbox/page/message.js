// One message of the channel or thread as a DOM node.

import { body } from "./blocks.js";
import { dayOf, momentOf, timeOf } from "./dates.js";
import { h } from "./dom.js";
import { filesOf } from "./files.js";
import { icon, mark } from "./icons.js";
import { emojiNode, nameOf } from "./mrkdwn.js";
import { editor, isEdited, toolbar } from "./toolbar.js";

/** @typedef {import("./store.js").Message} Message */
/** @typedef {import("./store.js").Ephemeral} Ephemeral */

const SAME_BREATH = 300; // seconds in which messages of one author stand under one name
const FLASH = 2600; // milliseconds a changed status stays marked

/**
 * @param {Message} message
 * @param {Record<string, any> & {openThread?: () => void}} props of the outer element
 * @param {...any} after what stands under the text
 */
export function messageNode(message, { openThread, ...props }, ...after) {
  const editing = isEdited(message);
  const edited = message.edited && !message.deleted && !editing && !(message.bot && message.blocks?.length);
  const author = message.bot ? "bot" : message.user;
  return h("article", { class: "msg", "data-author": author, "data-at": message.at, ...props },
    face(message.bot, message.name),
    h("div", { class: "msg-main" },
      byline(message.name || nameOf(message.user), message.bot, message.at),
      message.deleted ? h("p", { class: "gone" }, "This message was deleted.") : editing ? editor(message) : body(message),
      edited ? h("span", { class: "edited" }, "(edited)") : null,
      filesOf(message),
      message.reactions?.length ? h("ul", { class: "reactions", "aria-label": "Reactions" }, message.reactions.map(pill)) : null,
      after),
    toolbar(message, openThread));
}

/** One reaction, with how many have it: only the bot reacts here. @param {[name: string, character: string]} reaction */
function pill([name, character]) {
  const drawn = emojiNode(`:${name}:`, character);
  const words = `${drawn.getAttribute("aria-label")}, by Bluethread`;
  drawn.setAttribute("aria-hidden", "true");
  return h("li", null,
    h("span", { class: "reaction", role: "img", "aria-label": words, title: words, test: "reaction" }, drawn, " 1"));
}

/** An answer only its reader sees. @param {Ephemeral} answer @param {Record<string, any>} props */
export function ephemeralNode(answer, props) {
  const slackbot = answer.from === "slackbot";
  const outer = { class: "msg ephemeral", test: "ephemeral", "data-author": answer.id, "data-at": answer.at };
  return h("article", { ...outer, ...props },
    face(!slackbot, "Slackbot"),
    h("div", { class: "msg-main" },
      h("p", { class: "only-you" }, icon("eye"), "Only visible to you"),
      byline(slackbot ? "Slackbot" : "Bluethread", !slackbot, answer.at),
      answer.command ? h("p", { class: "typed", title: answer.command }, "You typed ", h("code", null, answer.command)) : null,
      body({ text: answer.text, blocks: answer.blocks, channel: answer.channel, ts: answer.id })));
}

/** @param {string} name @param {boolean} bot @param {number} at */
function byline(name, bot, at) {
  return h("p", { class: "byline" },
    h("b", null, name),
    bot ? h("span", { class: "app-badge" }, "APP") : null,
    h("time", { datetime: new Date(at * 1000).toISOString(), title: momentOf(at) }, timeParts(at)));
}

/** 10:42 and its AM apart: the narrow margin of a grouped message has no room for both. @param {number} at */
function timeParts(at) {
  const [clock, half] = timeOf(at).split(/\s/);
  return [clock, half ? h("span", { class: "half" }, ` ${half}`) : null];
}

/** @param {boolean} bot @param {string} name */
export function face(bot, name) {
  if (bot) return h("span", { class: "face" }, mark());
  const hue = [...(name ?? "")].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 4;
  return h("span", { class: `face face-${hue}`, "aria-hidden": "true" }, (name ?? "?").charAt(0).toUpperCase());
}

/**
 * The line of a root message that tells how the text is doing: its last section or context block.
 * @param {HTMLElement} node
 * @returns {HTMLElement | null}
 */
export function statusOf(node) {
  const lines = node.querySelectorAll(".blocks > .b-section, .blocks > .b-context");
  return /** @type {HTMLElement | null} */ (lines[lines.length - 1] ?? null);
}

/**
 * Name the status line of a bot's root, and mark it for a moment when it says something new.
 * Returns the new words, or "" when nothing changed.
 * @param {HTMLElement} node
 * @param {HTMLElement | undefined} before the node it replaces
 */
export function markStatus(node, before) {
  const status = statusOf(node);
  if (!status) return "";
  status.dataset.testid = "root-status";
  status.classList.add("root-status");
  const words = said(status);
  const earlier = before && statusOf(before);
  if (!before || (earlier && said(earlier) === words)) return "";
  status.classList.add("changed");
  setTimeout(() => status.classList.remove("changed"), FLASH);
  return words;
}

/** What a status line says; notes may stand before it. @param {HTMLElement} status */
function said(status) {
  return (status.lastElementChild ?? status).textContent ?? "";
}

/**
 * Put messages of one breath under one name, and a day's name before its first message.
 * @param {HTMLElement} list
 */
export function regroup(list) {
  /** @type {HTMLElement | null} */
  let above = null;
  for (const node of /** @type {Iterable<HTMLElement>} */ (list.querySelectorAll(":scope > .msg"))) {
    const day = dayOf(Number(node.dataset.at));
    const sameDay = above && dayOf(Number(above.dataset.at)) === day;
    const soon = above && Number(node.dataset.at) - Number(above.dataset.at) < SAME_BREATH;
    const alone = [node, above].some((one) => one?.classList.contains("broadcast"));
    node.classList.toggle("compact", Boolean(sameDay && soon && !alone && above?.dataset.author === node.dataset.author));
    if (sameDay) delete node.dataset.day;
    else node.dataset.day = day;
    above = node;
  }
}

/**
 * Swap a node without losing the keyboard's place in it.
 * @param {HTMLElement} before @param {HTMLElement} now
 */
export function swap(before, now) {
  const action = before.contains(document.activeElement) && document.activeElement?.getAttribute("data-action");
  before.replaceWith(now);
  if (action) /** @type {any} */ (now.querySelector(`[data-action="${CSS.escape(action)}"]`))?.focus();
}
