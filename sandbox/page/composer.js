// The channel's message box; chips send examples.

import { acting, placeOf } from "./actor.js";
import { attaching, controlWithFiles } from "./attaching.js";
import { byId, h, toEnd } from "./dom.js";
import { icon } from "./icons.js";
import { on, take } from "./store.js";
import { typing } from "./typing.js";
import { followNext, view } from "./view.js";

const EXAMPLES = [
  "/imessage +1 415 555 2671 Table at eight?",
  "/imessage help",
  "/imessage status",
  "/imessage 415-555-0132 --style confetti Your order is ready",
  "/imessage +1 415 555 2671 --media https://example.com/menu.png Tonight’s menu",
];

let local = 0;

/** Make the box work. */
export function showComposer() {
  const input = byId("composer-input");
  byId("chips").append(...EXAMPLES.map(chip));
  byId("composer").querySelector(".send").append(icon("send"));
  typing(byId("composer"), send, attaching(byId("composer"), document.querySelector(".channel")));
  const invite = () => (input.placeholder = `Message ${placeOf(view.channel)}, or type /imessage`);
  on("channel", invite);
  on("actor", invite);
  if (matchMedia("(min-width: 900px)").matches) input.focus();
}

/** @param {string} example */
function chip(example) {
  const button = h("button", { type: "button", class: "chip", test: "chip", title: "Send this" }, example);
  button.addEventListener("click", () => send(example));
  return h("li", null, button);
}

/** Type it into Slack; returns whether that worked. @param {string} text @param {File[]} [files] */
async function send(text, files = []) {
  const place = { channel: view.channel, user: acting() };
  if (text.startsWith("/")) followNext();
  toEnd(byId("messages"));
  const answer = await controlWithFiles("type", { ...place, text }, files);
  if (answer?.failure) sayFailed(place, text, answer);
  return Boolean(answer);
}

/**
 * Slackbot's words for a command that got no proper answer.
 * @param {{channel: string, user: string}} place @param {string} text
 * @param {{failure: string, status?: number}} answer
 */
function sayFailed(place, text, { failure, status }) {
  const late = failure === "operation_timeout";
  const reached = status ? `the app answered with HTTP ${status}` : "the app could not be reached";
  const why = late ? "the app took longer than 3 seconds" : reached;
  const command = text.split(/\s/)[0];
  take("ephemeral", {
    id: `failure-${(local += 1)}`,
    ...place,
    from: "slackbot",
    text: `\`${command}\` failed with the error \`${failure}\`: ${why}.`,
    blocks: [],
    at: Date.now() / 1000,
    command: text,
  });
}
