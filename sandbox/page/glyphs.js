// The emoji of the bot's status lines, drawn: they look the same on every system, as Slack's own pictures do.

import { shape } from "./icons.js";

/** @typedef {[tag: string, attributes: Record<string, string | number>]} Stroke */

const RED = "#d92d37";
const DARK = "#3a4048";
const BLUE = "#3d8bf0";

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
