// The emoji of the bot's status lines, drawn: they look the same on every system, as Slack's own pictures do.

import { shape } from "./icons.js";

/** @typedef {[tag: string, attributes: Record<string, string | number>]} Stroke */

const RED = "#d92d37";
const DARK = "#3a4048";
const BLUE = "#3d8bf0";
const YELLOW = "#f5b92e";

/** @param {string} d @param {string} colour @param {number} width @returns {Stroke} */
function line(d, colour, width) {
  const round = { "stroke-linecap": "round", "stroke-linejoin": "round" };
  return ["path", { d, fill: "none", stroke: colour, "stroke-width": width, ...round }];
}

/** @param {string} d @param {string} fill @returns {Stroke} */
const area = (d, fill) => ["path", { d, fill, stroke: fill, "stroke-width": 1.5, "stroke-linejoin": "round" }];

/** @param {number} cx @param {number} cy @param {number} r @param {string} fill @returns {Stroke} */
const dot = (cx, cy, r, fill) => ["circle", { cx, cy, r, fill }];

/** @param {string} fill @returns {Stroke} */
const tile = (fill) => ["rect", { x: 1.5, y: 1.5, width: 17, height: 17, rx: 4, fill }];

/** @param {number} r @returns {Stroke} */
const ring = (r) => ["circle", { cx: 10, cy: 10, r, fill: "none", stroke: RED, "stroke-width": 2.6 }];

/** A hand whose thumb points up, turned by so many degrees. @param {number} turn @returns {Stroke[]} */
const thumb = (turn) => [
  area("M7.2 9.2 10 2.8c1.5.1 2.3 1.1 2 2.7l-.5 2.7h4.4c1.2 0 1.9.9 1.7 2l-1 5.2c-.2 1-.9 1.6-1.9 1.6H7.2z", YELLOW),
  area("M2.6 9.2h2.2V17H2.6z", BLUE),
].map(([tag, attributes]) => [tag, { ...attributes, transform: `rotate(${turn} 10 10)` }]);

/** @param {number} cx @returns {Stroke} */
const eyeball = (cx) => ["ellipse", { cx, cy: 10, rx: 4, ry: 6.2, fill: "#fff", stroke: DARK, "stroke-width": 1.2 }];

/** @type {Record<string, {name: string, strokes: Stroke[]}>} in a square of 20 × 20 */
const DRAWN = {
  "✅": { name: "check mark", strokes: [tile("#1f9d55"), line("M5.5 10.5l3 3 6-7", "#fff", 2.4)] },
  "❌": { name: "cross mark", strokes: [line("M4 4l12 12M16 4L4 16", RED, 3.4)] },
  "❓": {
    name: "question mark",
    strokes: [
      line("M6 6.5c.2-2.7 2-4 4.2-4 2.4 0 4.1 1.4 4.1 3.6 0 3-4.2 3.2-4.2 6.4", RED, 2.8),
      dot(10.1, 17, 1.8, RED),
    ],
  },
  "⚠": {
    name: "warning",
    strokes: [area("M10 2.2 18.5 17.3H1.5z", "#f5b81f"), line("M10 7.5v4.3", DARK, 2.2), dot(10, 15, 1.3, DARK)],
  },
  "👀": { name: "eyes", strokes: [eyeball(5.6), eyeball(14.4), dot(4.6, 11, 2.2, DARK), dot(13.4, 11, 2.2, DARK)] },
  "📨": {
    name: "envelope on its way",
    strokes: [
      area("M7.5 5.5h10v9h-10z", BLUE),
      line("M7.8 7.2l4.7 3.6 4.7-3.6", "#fff", 1.6),
      line("M1 7h3M2 10h2M1 13h3", BLUE, 1.5),
    ],
  },
  "🕓": {
    name: "clock",
    strokes: [dot(10, 10, 8.8, "#6b7684"), dot(10, 10, 6.8, "#fff"), line("M10 5.5V10l3.2 2", DARK, 1.8)],
  },
  "🖼": {
    name: "picture",
    strokes: [
      area("M2.5 3.5h15v13h-15z", "#a06a2c"),
      area("M4.5 5.5h11v9h-11z", "#bfe0ff"),
      area("M4.5 14.5l3.5-5 3 3 2-2 2.5 4z", "#2f9e58"),
    ],
  },
  "❤": {
    name: "red heart",
    strokes: [area("M10 17C4.4 12.9 2.3 10.2 2.3 7.4 2.3 5 4 3.4 6.1 3.4c1.6 0 3.1.9 3.9 2.5.8-1.6 2.3-2.5 3.9-2.5 2.1 0 3.8 1.6 3.8 4 0 2.8-2.1 5.5-7.7 9.6z", RED)],
  },
  "👍": { name: "thumbs up", strokes: thumb(0) },
  "👎": { name: "thumbs down", strokes: thumb(180) },
  "😂": {
    name: "face with tears of joy",
    strokes: [
      dot(10, 10, 8.8, YELLOW),
      area("M5.6 10.6h8.8c0 2.9-2 4.6-4.4 4.6s-4.4-1.7-4.4-4.6z", DARK),
      line("M5 7.9c.6-1.4 2.4-1.4 3 0M12 7.9c.6-1.4 2.4-1.4 3 0", DARK, 1.5),
      dot(3.2, 11, 2, BLUE),
      dot(16.8, 11, 2, BLUE),
    ],
  },
  "‼": {
    name: "double exclamation mark",
    strokes: [line("M6.4 3v8.6M13.6 3v8.6", RED, 3.2), dot(6.4, 16.4, 1.9, RED), dot(13.6, 16.4, 1.9, RED)],
  },
  "⏳": {
    name: "waiting",
    strokes: [
      area("M5.5 3.5h9c0 3.5-1.6 4.9-3.3 6.5 1.7 1.6 3.3 3 3.3 6.5h-9c0-3.5 1.6-4.9 3.3-6.5-1.7-1.6-3.3-3-3.3-6.5z", "#bfe0ff"),
      area("M7.5 6h5c-.6 1.2-1.5 2-2.5 3-1-1-1.9-1.8-2.5-3zM7 15.5c.6-1.7 1.8-2.5 3-2.5s2.4.8 3 2.5z", "#d99a2b"),
      line("M4 3h12M4 17h12", "#a06a2c", 2),
    ],
  },
  "🚫": { name: "prohibited", strokes: [ring(7.2), line("M5 5l10 10", RED, 2.6)] },
  "➡": { name: "arrow right", strokes: [tile(BLUE), line("M5 10h9.5M10.5 6l4 4-4 4", "#fff", 2)] },
  "⬅": { name: "arrow left", strokes: [tile(BLUE), line("M15 10H5.5M9.5 6l-4 4 4 4", "#fff", 2)] },
  "📎": { name: "paperclip", strokes: [line("M13.5 6v7.5a3.5 3.5 0 0 1-7 0V5.2a2.3 2.3 0 0 1 4.6 0v7.9a1.1 1.1 0 0 1-2.2 0V6.5", "#6b7684", 1.5)] },
  "📍": { name: "pin", strokes: [line("M10 9v9", "#6b7684", 2), dot(10, 6, 4.4, RED)] },
  "⏸": { name: "pause", strokes: [tile(BLUE), line("M7.5 6v8M12.5 6v8", "#fff", 2.6)] },
  "📤": {
    name: "outbox tray",
    strokes: [area("M2.5 11.5h4l1.2 2h4.6l1.2-2h4v6h-15z", "#8a94a1"), line("M10 11V3.2M6.6 6.4 10 3l3.4 3.4", BLUE, 2.2)],
  },
  "🔒": {
    name: "lock",
    strokes: [line("M6 9V6.6a4 4 0 0 1 8 0V9", "#8a94a1", 2.2), area("M4.5 9.5h11v7.5h-11z", YELLOW), line("M10 12.2v2", DARK, 2)],
  },
  "💬": {
    name: "speech balloon",
    strokes: [area("M3.2 3.5h13.6v10H9.2L5.6 17v-3.5H3.2z", "#8a94a1"), line("M6.5 7h7M6.5 10h4.6", "#fff", 1.5)],
  },
  "↪": { name: "moved", strokes: [tile(BLUE), line("M14 10H8.5a2.5 2.5 0 0 1 0-5H9M11.5 7l3 3-3 3", "#fff", 2)] },
};

/** A drawn emoji, with the selector that may follow it. */
export const GLYPH = new RegExp(`((?:${Object.keys(DRAWN).join("|")})\uFE0F?)`, "u");

/**
 * Split text at drawn emoji and put the drawings in.
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function withGlyphs(text) {
  return text.split(GLYPH).map((part) => glyph(part) ?? part);
}

/** The drawing of one emoji, or null. @param {string} character */
export function glyph(character) {
  const drawn = DRAWN[character.replace("\uFE0F", "")];
  if (!drawn) return null;
  const svg = shape("svg", { viewBox: "0 0 20 20", class: "glyph", role: "img", "aria-label": drawn.name });
  svg.append(...drawn.strokes.map(([tag, attributes]) => shape(tag, attributes)));
  return svg;
}
