// The rich_text block → DOM nodes. Its text elements are literal: no mrkdwn, no escapes.

import { slackDate } from "./dates.js";
import { h } from "./dom.js";
import { withGlyphs } from "./glyphs.js";
import { channelName, emojiNode, link, mention, nameOf } from "./mrkdwn.js";

/** @type {[string, string][]} */
const STYLES = [["code", "code"], ["strike", "s"], ["italic", "em"], ["bold", "strong"]];

/** @type {Record<string, (block: any) => Node>} */
const PARTS = {
  rich_text_section: (part) => h("div", { class: "rt-section" }, inlines(part.elements)),
  rich_text_quote: (part) => h("blockquote", null, inlines(part.elements)),
  rich_text_preformatted: (part) => h("pre", null, inlines(part.elements)),
  rich_text_list: list,
};

/** @type {Record<string, (e: any) => Node | string>} */
const INLINES = {
  text: (e) => lines(e.text ?? ""),
  link: (e) => link(e.url ?? "", e.text ?? e.url),
  user: (e) => mention(`@${nameOf(e.user_id)}`),
  channel: (e) => mention(`#${channelName(e.channel_id)}`),
  usergroup: (e) => mention(`@${nameOf(e.usergroup_id)}`),
  broadcast: (e) => mention(`@${e.range}`, "everyone"),
  emoji: (e) => emojiNode(`:${e.name}:${e.skin_tone ? `:skin-tone-${e.skin_tone}:` : ""}`, e.unicode && characters(e.unicode)),
  date: (e) => h("time", { title: e.fallback }, slackDate(Number(e.timestamp), e.format ?? "{date} {time}")),
  color: (e) => h("code", null, e.value ?? ""),
};

/** `1f44b-1f3fc` → 👋🏼. @param {string} unicode */
const characters = (unicode) => String.fromCodePoint(...unicode.split("-").map((point) => parseInt(point, 16)));

/** @param {any} block */
export function richText(block) {
  const parts = (block.elements ?? []).map((/** @type {any} */ part) => PARTS[part.type]?.(part));
  return h("div", { class: "b-rich" }, parts);
}

/** @param {any} part */
function list(part) {
  const props = { class: `rt-list indent-${Math.min(part.indent ?? 0, 4)}`, start: part.offset ? part.offset + 1 : null };
  const items = (part.elements ?? []).map((/** @type {any} */ item) => h("li", null, inlines(item.elements)));
  return h(part.style === "ordered" ? "ol" : "ul", props, items);
}

/** @param {any[] | undefined} elements */
function inlines(elements) {
  return (elements ?? []).map((e) => {
    const node = INLINES[e.type]?.(e) ?? e.text ?? "";
    return STYLES.reduce((inner, [style, tag]) => (e.style?.[style] ? h(tag, null, inner) : inner), node);
  });
}

/** Text with its line ends kept. @param {string} text */
function lines(text) {
  return h("span", null, text.split(/(\n)/).map((part) => (part === "\n" ? h("br") : withGlyphs(part))));
}
