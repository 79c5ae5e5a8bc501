// The message box: Enter sends, Shift+Enter makes a line, ArrowUp brings back the last one, chips send examples.

import { acting, placeOf } from "./actor.js";
import { control } from "./control.js";
import { byId, h, toEnd } from "./dom.js";
import { icon } from "./icons.js";
import { on, take } from "./store.js";
import { followNext, view } from "./view.js";

const EXAMPLES = [
  "/imessage +1 415 555 2671 Table at eight?",
  "/imessage help",
  "/imessage status",
  "/imessage 415-555-0132 --style confetti Your order is ready",
  "/imessage +1 415 555 2671 --media https://example.com/menu.png Tonight’s menu",
];
const TALLEST = 120; // pixels

/** @type {string[]} */
const typed = [];
let local = 0;

/** Make the box work. */
export function showComposer() {
  const input = byId("composer-input");
  byId("chips").append(...EXAMPLES.map(chip));
  byId("composer").querySelector(".send").append(icon("send"));
  byId("composer").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    submit();
  });
  input.addEventListener("input", grow);
  input.addEventListener("keydown", keys);
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

/** @param {KeyboardEvent} event */
function keys(event) {
  const input = byId("composer-input");
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    submit();
  } else if (event.key === "ArrowUp" && !input.value && typed.length) {
    event.preventDefault();
    input.value = typed[typed.length - 1];
    grow();
  }
}

function grow() {
  const input = byId("composer-input");
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight, TALLEST)}px`;
  byId("composer").classList.toggle("ready", Boolean(input.value.trim()));
}

function submit() {
  const input = byId("composer-input");
  const text = input.value.trim();
  if (!text) return;
  input.value = "";
  grow();
  send(text);
}

/** Type it into Slack; what could not be sent comes back into the box. @param {string} text */
async function send(text) {
  const channel = view.channel;
  typed.push(text);
  if (text.startsWith("/")) followNext();
  toEnd(byId("messages"));
  const user = acting();
  const answer = await control("type", { channel, user, text });
  const input = byId("composer-input");
  if (!answer && !input.value) {
    input.value = text;
    grow();
  }
  if (answer?.failure) sayFailed({ channel, user }, text, answer);
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
