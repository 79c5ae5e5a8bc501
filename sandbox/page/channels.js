// The channel switcher: what kind each channel is, what is special about it, what is new in it.

import { acting, channels, titleOf } from "./actor.js";
import { byId, h } from "./dom.js";
import { icon } from "./icons.js";
import { on, state } from "./store.js";
import { openChannel, view } from "./view.js";

/** @type {Record<string, [icon: string, words: string]>} */
const KINDS = {
  public: ["hash", "Public channel"],
  private: ["lock", "Private channel"],
  dm: ["person", "Direct message"],
  archived: ["box", "Archived channel"],
};

/** @type {Set<string>} channels with something unseen */
const unseen = new Set();

/** Draw the switcher and keep it current. */
export function showChannels() {
  on("state", () => {
    unseen.clear();
    draw();
  });
  on("channel", (id) => {
    unseen.delete(id);
    draw();
    head();
  });
  on("message", (now, before) => notice(now.channel, !before));
  on("ephemeral", (now, before) => now.user === acting() && notice(now.channel, !before));
  on("actor", () => {
    draw();
    head();
  });
}

/** @param {string} channel @param {boolean} fresh */
function notice(channel, fresh) {
  if (!state.channels.some(({ id }) => id === channel)) {
    state.channels.push({ id: channel, name: "Bluethread", kind: "dm", note: "The app’s own messages to one person" });
  } else if (!fresh || channel === view.channel) return;
  if (channel !== view.channel) unseen.add(channel);
  draw();
}

function draw() {
  const focused = document.activeElement?.closest?.("[data-channel]")?.getAttribute("data-channel");
  byId("channels").replaceChildren(...channels().map((channel) => h("li", null, button(channel))));
  if (focused) byId("channels").querySelector(`[data-channel="${CSS.escape(focused)}"]`)?.focus();
}

/** @param {import("./store.js").Channel} channel */
function button(channel) {
  const [picture, words] = KINDS[channel.kind] ?? KINDS.public;
  const props = {
    type: "button",
    class: unseen.has(channel.id) ? "channel-button unseen" : "channel-button",
    test: `channel-${channel.id}`,
    "data-channel": channel.id,
    "aria-current": channel.id === view.channel ? "true" : null,
    title: channel.note || words,
    onclick: () => openChannel(channel.id),
  };
  return h("button", props, icon(picture), h("span", { class: "hidden" }, `${words}: `),
    h("span", { class: "channel-words" },
      h("span", { class: "channel-title" }, titleOf(channel.id)),
      channel.note ? h("span", { class: "channel-hint" }, channel.note) : null),
    unseen.has(channel.id) ? h("span", { class: "hidden" }, " (new)") : null);
}

function head() {
  const channel = state.channels.find(({ id }) => id === view.channel);
  if (!channel) return;
  const [picture, words] = KINDS[channel.kind] ?? KINDS.public;
  byId("channel-name").replaceChildren(icon(picture), h("span", { class: "hidden" }, `${words} `), titleOf(channel.id));
  byId("channel-note").textContent = channel.note || words;
}
