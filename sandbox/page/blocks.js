// Block Kit → DOM nodes.

import { acting } from "./actor.js";
import { confirmed, control, toast } from "./control.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { mrkdwn, plain } from "./mrkdwn.js";
import { richText } from "./richtext.js";

/** @typedef {{channel: string, ts: string}} Place where a clicked button lives */

/** @type {Record<string, (block: any, place: Place) => Node>} */
const BLOCKS = {
  header: (block) => h("h3", { class: "b-header" }, text(block.text)),
  divider: () => h("hr", { class: "b-divider" }),
  section: section,
  context: (block) => h("div", { class: "b-context" }, all(block.elements, contextElement)),
  actions: (block, place) => h("div", { class: "b-actions" }, all(block.elements, (e) => element(e, place))),
  image: (block) => picture(block.alt_text, block.title?.text),
  rich_text: (block) => richText(block),
  markdown: (block) => h("div", { class: "b-markdown" }, plain(block.text ?? "")),
};

/**
 * All blocks of a message; its text when there are none.
 * @param {{text: string, blocks: any[], channel: string, ts: string}} message
 */
export function body(message) {
  const blocks = message.blocks ?? [];
  if (!blocks.length) return h("div", { class: "b-text" }, mrkdwn(message.text ?? ""));
  return h("div", { class: "blocks" }, blocks.map((block) => {
    const make = BLOCKS[block.type];
    return make ? make(block, message) : h("p", { class: "b-unknown" }, `(a ${block.type} block)`);
  }));
}

/** One node for each part Slack sent, if it sent any. @param {any[] | undefined} parts @param {(part: any) => Node} make */
function all(parts, make) {
  return (parts ?? []).map(make);
}

/** A text object, or nothing. @param {any} object */
function text(object) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text ?? "", object.verbatim === true) : plain(object.text ?? "");
}

/** @param {any} block @param {Place} place */
function section(block, place) {
  return h("div", { class: "b-section" },
    h("div", { class: "b-section-text" },
      block.text ? h("div", null, text(block.text)) : null,
      block.fields ? h("div", { class: "b-fields" }, all(block.fields, (field) => h("div", null, text(field)))) : null),
    block.accessory ? element(block.accessory, place) : null);
}

/** @param {any} part */
function contextElement(part) {
  return part.type === "image" ? picture(part.alt_text, "", "small") : h("span", null, text(part));
}

/**
 * The page fetches nothing from outside: a picture is shown by its description.
 * @param {string} alt
 * @param {string} [title]
 * @param {string} [size]
 */
function picture(alt, title, size = "") {
  return h("span", { class: `b-picture ${size}` }, icon("picture"), h("span", null, title || alt || "Picture"));
}

/** A button, a select, or the name of what this page cannot show. @param {any} e @param {Place} place */
function element(e, place) {
  if (e.type === "button") return button(e, place);
  if (e.type === "image") return picture(e.alt_text);
  if (e.type === "static_select" || e.type === "overflow") return select(e, place);
  return h("span", { class: "b-unknown" }, `(a ${e.type})`);
}

/** @param {any} e @param {Place} place */
function button(e, place) {
  const props = { class: `button ${e.style ?? ""}`, "aria-label": e.accessibility_label, "data-action": e.action_id };
  const node = h("button", { ...props, type: "button" }, text(e.text));
  node.addEventListener("click", async () => {
    if (e.confirm && !(await confirmed(e.confirm))) return;
    if (e.url) open(e.url, "_blank", "noopener,noreferrer");
    await click(node, e.action_id, e.value ?? "", place);
  });
  return node;
}

/** @param {any} e @param {Place} place */
function select(e, place) {
  const options = all(e.options, (option) => h("option", { value: option.value }, text(option.text)));
  const label = e.placeholder?.text ?? "More";
  const props = { "aria-label": label, "data-action": e.action_id };
  const node = h("select", props, h("option", { value: "" }, label), options);
  node.addEventListener("change", () => click(node, e.action_id, node.value, place));
  return node;
}

/** @param {any} node @param {string} action @param {string} value @param {Place} place */
async function click(node, action, value, place) {
  node.disabled = true;
  const { channel, ts } = place;
  const answer = await control("click", { channel, ts, action_id: action, value, user: acting() });
  if (answer?.failure) toast(`The bot did not react to that click (${answer.failure}).`);
  node.disabled = false;
}
