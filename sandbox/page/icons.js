// Inline icons: 16 × 16, drawn with strokes in the colour of the text around them.

const SVG = "http://www.w3.org/2000/svg";

/** @type {Record<string, string>} */
const PATHS = {
  hash: "M6.2 2 4.8 14M11.2 2 9.8 14M2.5 5.8h11.5M2 10.2h11.5",
  lock: "M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
  person: "M8 8a2.6 2.6 0 1 0 0-5.2A2.6 2.6 0 0 0 8 8ZM3 13.8c.4-2.7 2.3-4 5-4s4.6 1.3 5 4",
  people: "M6 8a2.4 2.4 0 1 0 0-4.8A2.4 2.4 0 0 0 6 8ZM1.5 13.4c.4-2.5 2.1-3.7 4.5-3.7s4.1 1.2 4.5 3.7M10.4 3.4a2.3 2.3 0 0 1 0 4.4M12 9.9c1.4.5 2.3 1.7 2.6 3.5",
  smile: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM5.4 9.4c.6 1 1.5 1.5 2.6 1.5s2-.5 2.6-1.5M6 6.4h.01M10 6.4h.01",
  trash: "M3 4.5h10M6.2 4.5V2.8h3.6v1.7M4.3 4.5l.6 8.7h6.2l.6-8.7M6.8 7v3.7M9.2 7v3.7",
  box: "M2.5 3.5h11v3h-11zM3.5 6.5v6h9v-6M6.5 9h3",
  eye: "M1.8 8S4 3.8 8 3.8 14.2 8 14.2 8 12 12.2 8 12.2 1.8 8 1.8 8ZM8 9.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6Z",
  close: "M4 4l8 8M12 4l-8 8",
  send: "M2.5 2.8 14 8 2.5 13.2 4.2 8zM4.2 8H9",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9",
  moon: "M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1Z",
  chevron: "M6 4l4 4-4 4",
  picture: "M2.5 3h11v10h-11zM2.5 11l3-3 2.5 2.5L11 7l2.5 2.5M5.5 6.2h.01",
  alert: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM8 4.8v4M8 11h.01",
  pencil: "M3 13l.6-2.8L11 2.8l2.2 2.2-7.4 7.4zM9.6 4.2l2.2 2.2",
  thread: "M2.5 3h11v8H7l-3 2.5V11H2.5z",
  play: "M5 3.2v9.6l7.5-4.8z",
  clip: "M13 7.4 7.9 12.5a3.2 3.2 0 0 1-4.5-4.5l5.4-5.4a2.1 2.1 0 0 1 3 3L6.6 10.8a1 1 0 0 1-1.5-1.5L9.6 4.9",
  file: "M3.5 1.8h6l3 3v9.4h-9zM9.5 1.8v3h3M5.8 8h4.4M5.8 10.8h4.4",
  film: "M2 3h12v10H2zM6.6 5.8v4.4L10.2 8z",
  sound: "M2.5 6.5v3M5.2 4.2v7.6M8 2.2v11.6M10.8 4.8v6.4M13.5 6.8v2.4",
  power: "M8 1.8v6M4.6 4a5.3 5.3 0 1 0 6.8 0",
};

/**
 * A decorative icon; the words beside it carry the meaning.
 * @param {string} name a key of PATHS
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = /** @type {SVGSVGElement} */ (document.createElementNS(SVG, "svg"));
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(shape("path", { d: PATHS[name] ?? "" }));
  return svg;
}

/** Bluethread's own mark, as the bot's avatar. */
export function mark() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 32 32");
  svg.setAttribute("aria-hidden", "true");
  svg.append(shape("use", { href: "/page/icon.svg#mark" }));
  return svg;
}

/** One SVG element with attributes. @param {string} tag @param {Record<string, string | number>} attributes */
export function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
