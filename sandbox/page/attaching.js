// Files to be sent with what is typed: dropped, pasted or chosen, and shown as chips until then.

import { control, toast } from "./control.js";
import { byId, h } from "./dom.js";
import { kindOf, shownName, sizeOf } from "./files.js";
import { icon } from "./icons.js";

const MOST = 10; // files of one message
const LARGEST = 100; // MiB of all its files

/** @typedef {{take: () => File[], give: (back: File[]) => void, any: () => boolean}} Attached */

/**
 * Let files be attached to what a form sends. `take` hands them over, `give` takes back what could not be sent.
 * @param {HTMLFormElement} form with a paperclip, a list for the chips, and a box to type in
 * @param {HTMLElement} zone where files may be dropped
 * @returns {Attached}
 */
export function attaching(form, zone) {
  /** @type {File[]} */
  let files = [];
  const clip = /** @type {HTMLButtonElement} */ (form.querySelector(".clip"));
  const list = /** @type {HTMLElement} */ (form.querySelector(".attached"));
  const box = /** @type {HTMLElement} */ (form.querySelector("textarea, input[type=text]"));
  const chooser = /** @type {HTMLInputElement} */ (h("input", { type: "file", multiple: true, hidden: true }));

  const keep = (/** @type {File[]} */ now) => {
    files = now;
    list.replaceChildren(...files.map((file, place) => chip(file, () => remove(place))));
    list.hidden = !files.length;
  };
  const remove = (/** @type {number} */ place) => {
    keep(files.toSpliced(place, 1));
    const buttons = list.querySelectorAll("button");
    (buttons[Math.min(place, buttons.length - 1)] ?? box).focus();
  };
  const add = (/** @type {FileList | null | undefined} */ more) => {
    const problem = tooMuch([...files, ...(more ?? [])]);
    if (problem) return toast(problem);
    keep([...files, ...(more ?? [])]);
    byId("live").textContent = `Attached: ${files.map(({ name }) => shownName(name)).join(", ")}`;
    box.focus();
  };

  clip.append(icon("clip"));
  clip.after(chooser);
  clip.addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    add(chooser.files);
    chooser.value = ""; // so that the same file can be chosen again
  });
  box.addEventListener("paste", (event) => {
    const pasted = /** @type {ClipboardEvent} */ (event).clipboardData;
    const words = ["text/plain", "text/html"].every((type) => pasted?.types.includes(type)); // with a picture of them
    if (!pasted?.files.length || words) return;
    event.preventDefault();
    add(pasted.files);
  });
  dropping(zone, () => !clip.disabled, add);
  const take = () => {
    const taken = files;
    keep([]);
    return taken;
  };
  return { take, give: (back) => keep([...back, ...files]), any: () => files.length > 0 };
}

/**
 * POST with files; returns as `control` does.
 * @param {string} path @param {Record<string, unknown>} body @param {File[]} files
 */
export async function controlWithFiles(path, body, files) {
  if (!files.length) return control(path, body);
  try {
    return control(path, { ...body, files: await Promise.all(files.map(encoded)) });
  } catch {
    toast("A file could not be read. It may be gone, or a folder, which cannot be sent.");
    return null;
  }
}

/** Keep the browser from leaving the page when a file is dropped beside every box. */
export function catchDrops() {
  addEventListener("dragover", (event) => {
    if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
  addEventListener("drop", (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
}

/** @param {HTMLElement} zone @param {() => boolean} open @param {(files: FileList | undefined) => void} add */
function dropping(zone, open, add) {
  const leave = () => zone.classList.remove("dropping");
  zone.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files") || !open()) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    zone.classList.add("dropping");
  });
  zone.addEventListener("dragleave", (event) => {
    if (!zone.contains(/** @type {Node | null} */ (event.relatedTarget))) leave();
  });
  zone.addEventListener("drop", (event) => {
    leave();
    if (!event.dataTransfer?.files.length || !open()) return;
    event.preventDefault();
    add(event.dataTransfer.files);
  });
}

/** Why so many files, or so large ones, cannot be sent together; nothing if they can. @param {File[]} files */
function tooMuch(files) {
  if (files.length > MOST) return `At most ${MOST} files come with one message.`;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return bytes > LARGEST * 2 ** 20 ? `Files have at most ${LARGEST} MiB together.` : "";
}

/** @param {File} file @param {() => void} remove */
function chip(file, remove) {
  const name = shownName(file.name);
  const [drawn] = kindOf({ name, mimetype: file.type });
  const props = { type: "button", "aria-label": `Remove ${name}`, title: `Remove ${name}`, onclick: remove };
  return h("li", { class: "file-chip", test: "file-chip" }, icon(drawn),
    h("b", { title: name }, name), h("span", null, sizeOf(file.size)), h("button", props, icon("close")));
}

/** @param {File} file @returns {Promise<{name: string, mimetype: string, data: string}>} */
function encoded(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("error", () => reject(reader.error));
    reader.addEventListener("load", () => {
      const [, data] = /** @type {string} */ (reader.result).split(",");
      resolve({ name: file.name, mimetype: file.type, data: data ?? "" });
    });
    reader.readAsDataURL(file);
  });
}
