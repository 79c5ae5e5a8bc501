// Slack's mrkdwn → DOM nodes. Text stays text: no markup string is ever built.

import { slackDate } from "./dates.js";
import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { glyph, withGlyphs } from "./glyphs.js";
import { state } from "./store.js";

/** @typedef {Node | string} Piece */

const MARKS = /** @type {Record<string, string>} */ ({ "*": "strong", _: "em", "~": "s" });
/** Code, an angle-bracket token, an emoji name, a line end: what emphasis may not look into. */
const ATOM = /`[^`\n]+`|<[^<>\n]+>|:[a-z0-9_+'-]+:(?::skin-tone-[2-6]:)?|\n/iy;
const WORD = /[\p{L}\p{N}]/u;
const ADDRESS = /https?:\/\/[^\s<>|]+[^\s<>|.,;:!?)\]]/g;

/** Undo Slack's three escapes, and only these. @param {string} text */
export function unescape(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

/**
 * A whole mrkdwn text: fences, quotes, lines.
 * @param {string} text
 * @param {boolean} [verbatim] true: bare addresses are not linked
 * @returns {Piece[]}
 */
export function mrkdwn(text, verbatim = false) {
  return text.split("```").flatMap((part, index, parts) => {
    const fenced = index % 2 === 1 && index < parts.length - 1;
    if (fenced) return [h("pre", null, unescape(part.replace(/^\n|\n$/g, "")))];
    const fence = index % 2 === 1 ? "```" : "";
    return quotes(fence + (index ? part.replace(/^\n/, "") : part), verbatim);
  });
}

/** Lines that start with > (escaped or not) become quotes. @param {string} text @param {boolean} verbatim */
function quotes(text, verbatim) {
  /** @type {{quoted: boolean, lines: string[]}[]} */
  const runs = [];
  for (const line of text.split("\n")) {
    const quoted = /^(?:&gt;|>)/.test(line);
    const last = runs.at(-1);
    const content = quoted ? line.replace(/^(?:&gt;|>) ?/, "") : line;
    if (last?.quoted === quoted) last.lines.push(content);
    else runs.push({ quoted, lines: [content] });
  }
  return runs.flatMap(({ quoted, lines }) => {
    const pieces = inline(lines.join("\n"), verbatim);
    return quoted ? [h("blockquote", null, pieces)] : pieces;
  });
}

/**
 * Emphasis, code, tokens and emoji within lines.
 * @param {string} text
 * @param {boolean} verbatim
 * @returns {Piece[]}
 */
function inline(text, verbatim) {
  /** @type {Piece[]} */
  const pieces = [];
  let plain = "";
  let at = 0;
  const flush = () => {
    if (plain) pieces.push(...words(plain, verbatim));
    plain = "";
  };
  while (at < text.length) {
    const atom = atomAt(text, at);
    const end = atom ? -1 : closingMark(text, at);
    if (atom) {
      flush();
      pieces.push(render(atom));
      at += atom.length;
    } else if (end > 0) {
      flush();
      pieces.push(h(MARKS[text[at]], null, inline(text.slice(at + 1, end), verbatim)));
      at = end + 1;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  flush();
  return pieces;
}

/** The indivisible token that starts here, or "". @param {string} text @param {number} at */
function atomAt(text, at) {
  ATOM.lastIndex = at;
  const found = ATOM.exec(text)?.[0] ?? "";
  return found.startsWith(":") && emoji(found) === found ? "" : found;
}

/** Where the emphasis opened at `at` closes, or -1. @param {string} text @param {number} at */
function closingMark(text, at) {
  const sign = text[at];
  if (!MARKS[sign] || /\s/.test(text[at + 1] ?? " ") || text[at + 1] === sign) return -1;
  if (at > 0 && WORD.test(text[at - 1])) return -1;
  for (let i = at + 1; i < text.length && text[i] !== "\n"; i += 1) {
    const atom = atomAt(text, i);
    if (atom) i += atom.length - 1;
    else if (text[i] === sign && !/\s/.test(text[i - 1]) && !WORD.test(text[i + 1] ?? " ")) return i;
  }
  return -1;
}

/** @param {string} atom @returns {Piece} */
function render(atom) {
  if (atom === "\n") return h("br");
  if (atom[0] === "`") return h("code", null, unescape(atom.slice(1, -1)));
  if (atom[0] === ":") return emojiNode(atom);
  return token(atom.slice(1, -1));
}

/**
 * An emoji with its name for those who cannot see it.
 * @param {string} name like `:wave:`
 * @param {string} [character]
 */
export function emojiNode(name, character = emoji(name)) {
  const words = name.replace(/[:_]+/g, " ").trim();
  const props = { class: "emoji", role: "img", "aria-label": words, title: name };
  return glyph(character) ?? h("span", props, character);
}

/** What stands between angle brackets. @param {string} inner @returns {Piece} */
function token(inner) {
  const bar = inner.indexOf("|");
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? "" : unescape(inner.slice(bar + 1));
  if (target[0] === "@") return mention(`@${label || nameOf(target.slice(1))}`);
  if (target[0] === "#") return mention(`#${label || channelName(target.slice(1))}`);
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!subteam^")) return mention(`@${label || nameOf(target.slice(9))}`);
  if (target[0] === "!") return mention(label || `@${target.slice(1).split("^")[0]}`, "everyone");
  return link(unescape(target), label);
}

/** `!date^unix^pattern[^link]`. @param {string} target @param {string} fallback */
function date(target, fallback) {
  const [, unix, pattern, address] = target.split("^");
  const moment = Number(unix);
  const text = Number.isFinite(moment) && pattern ? slackDate(moment, pattern) : fallback;
  const node = h("time", { datetime: new Date(moment * 1000 || 0).toISOString(), title: fallback }, text);
  return address ? link(unescape(address), node) : node;
}

/** A link, if the address is one a browser may safely follow. @param {string} address @param {Piece} [label] */
export function link(address, label) {
  const shown = label || address.replace(/^(mailto|tel):/, "");
  if (!/^(https?:\/\/|mailto:|tel:)/i.test(address)) return h("span", null, shown);
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, shown);
}

/** @param {string} text @param {string} [kind] */
export function mention(text, kind = "") {
  return h("span", { class: `mention ${kind}` }, text);
}

/** @param {string} user an id */
export function nameOf(user) {
  return state.users.get(user) ?? user;
}

/** @param {string} id */
export function channelName(id) {
  return state.channels.find((channel) => channel.id === id)?.name ?? id;
}

/**
 * Plain words; bare addresses become links unless the sender said verbatim.
 * @param {string} text
 * @param {boolean} verbatim
 */
function words(text, verbatim) {
  const shown = unescape(text);
  if (verbatim) return withGlyphs(shown);
  /** @type {Piece[]} */
  const pieces = [];
  let from = 0;
  for (const found of shown.matchAll(ADDRESS)) {
    pieces.push(...withGlyphs(shown.slice(from, found.index)), link(found[0]));
    from = found.index + found[0].length;
  }
  pieces.push(...withGlyphs(shown.slice(from)));
  return pieces;
}

/** A plain_text object: escapes and emoji names, nothing else. @param {string} text @returns {Piece[]} */
export function plain(text) {
  return text.split(/(:[a-z0-9_+'-]+:(?::skin-tone-[2-6]:)?|\n)/i).flatMap((part) => {
    if (part === "\n") return [h("br")];
    return part.length > 2 && part[0] === ":" && emoji(part) !== part ? [emojiNode(part)] : withGlyphs(unescape(part));
  });
}
