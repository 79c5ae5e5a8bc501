// Files in messages: a picture is shown, anything else is a card to save it from. Nothing of a file can act here.

import { acting } from "./actor.js";
import { confirmed, control } from "./control.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * @typedef {{name: string, mimetype: string, size: number | null, url: string | null, id?: string, title?: string,
 *   deleted?: boolean}} Shared `url` is null of what is not kept here, such as a picture elsewhere
 */

const SHOWN = new Set(["image/gif", "image/jpeg", "image/png", "image/webp"]); // SVG and HTML could act on the page
const UNITS = ["KB", "MB", "GB"];

/** @type {[type: string, icon: string, words: string][]} how a MIME type begins */
const KINDS = [
  ["image/", "picture", "Picture"],
  ["video/", "film", "Video"],
  ["audio/", "sound", "Sound"],
  ["text/vcard", "person", "Contact card"],
  ["application/pdf", "file", "PDF"],
];

/** A name without what would turn its letters round or hide. @param {string} name */
export const shownName = (name) => name.replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");

/** 1234 → 1.2 KB. @param {number} bytes */
export function sizeOf(bytes) {
  if (bytes < 1024) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length);
  return `${Number((bytes / 1024 ** power).toPrecision(3))} ${UNITS[power - 1]}`;
}

/** @param {{name: string, mimetype: string}} file @returns {[icon: string, words: string]} */
export function kindOf({ name, mimetype }) {
  const [, picture, words] = KINDS.find(([type]) => mimetype.startsWith(type)) ?? ["", "file", ""];
  const ending = /\.(\w{1,8})$/.exec(shownName(name))?.[1].toUpperCase();
  return [picture, words || (ending ? `${ending} file` : "File")];
}

/** Whether a browser may show it. @param {Shared} file */
const isPicture = (file) => Boolean(file.url) && SHOWN.has(file.mimetype);

/** What stands below the words of a message in Slack. @param {import("./store.js").Message} message */
export function filesOf(message) {
  if (!message.files?.length || message.deleted) return null;
  const own = !message.bot && message.user === acting();
  return h("div", { class: "files" }, message.files.map((file) => {
    if (file.deleted) return h("p", { class: "file-gone", test: "file" }, icon("trash"), "This file was deleted");
    return h("div", { class: "file", test: "file" },
      isPicture(file) ? thumbnail(file) : card(file),
      own ? deleteButton(message, file) : null);
  }));
}

/** @param {Shared} file */
function thumbnail(file) {
  const figure = h("figure", { class: "file-picture" },
    h("figcaption", { title: shownName(file.name) }, shownName(file.name)),
    picture(file, file.title || file.name, () => figure.replaceWith(card(file))));
  return figure;
}

/** A file on the phone. @param {Shared} file */
export function phoneFile(file) {
  if (!file.url) return h("span", { class: "bubble-picture" }, icon("picture"), shownName(file.name) || "Picture");
  if (!isPicture(file)) return card(file);
  const link = picture(file, file.name, () => link.replaceWith(card(file)));
  link.classList.add("bubble-image");
  return link;
}

/** A picture that leads to itself in full. @param {Shared} file @param {string} alt @param {() => void} onerror */
function picture(file, alt, onerror) {
  const image = h("img", { src: file.url, alt: shownName(alt), test: "picture", onerror });
  return h("a", { href: file.url, target: "_blank", rel: "noopener noreferrer", title: "Open the picture" }, image);
}

/** @param {Shared} file */
function card(file) {
  const [drawn, words] = kindOf(file);
  const name = shownName(file.name) || "File";
  const link = { href: file.url, download: name, title: `Save ${name}` };
  return h(file.url ? "a" : "div", { class: "file-card", test: "file-card", ...(file.url ? link : {}) },
    h("span", { class: `file-icon is-${drawn}` }, icon(drawn)),
    h("span", { class: "file-words" },
      h("b", null, name), " ",
      h("small", null, file.size === null ? words : `${words}, ${sizeOf(file.size)}`)));
}

/** @param {import("./store.js").Message} message @param {Shared} file */
function deleteButton({ channel, ts }, file) {
  const words = `Delete ${shownName(file.name)}`;
  const onclick = async () => {
    const question = {
      title: { text: "Delete file" },
      text: { text: `Are you sure you want to delete ${shownName(file.name)}? The message stays.` },
      confirm: { text: "Delete" },
      style: "danger",
    };
    if (await confirmed(question)) control("delete", { channel, ts, user: acting(), file: file.id });
  };
  const props = { type: "button", class: "icon-button file-delete", "aria-label": words, title: words, onclick };
  return h("button", { ...props, "data-action": `delete ${file.id}` }, icon("trash"));
}
