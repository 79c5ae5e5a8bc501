// The reader's hands: one POST per action, and one readable sentence when it fails.

import { byId, h } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN_FOR = 7000; // milliseconds

/**
 * POST to the control API. Returns the answer, or null after telling the reader what went wrong.
 * @param {string} path after /control/
 * @param {Record<string, unknown>} body
 * @returns {Promise<any>}
 */
export async function control(path, body = {}) {
  try {
    const answer = await fetch(`/control/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const data = await answer.json().catch(() => ({}));
    if (answer.ok) return data ?? {};
    toast(data.error || `The sandbox refused that (HTTP ${answer.status}).`);
  } catch {
    toast("The sandbox did not answer. Is it still running in your terminal?");
  }
  return null;
}

/** Show one sentence for a while. @param {string} sentence */
export function toast(sentence) {
  const close = h("button", { class: "icon-button", type: "button", "aria-label": "Dismiss" }, icon("close"));
  const note = h("p", { class: "toast", test: "toast" }, icon("alert"), h("span", null, sentence), close);
  close.addEventListener("click", () => note.remove());
  byId("toasts").replaceChildren(note);
  setTimeout(() => note.remove(), SHOWN_FOR);
}

/**
 * Ask before a Slack button with a `confirm` object acts.
 * @param {any} question Slack's confirmation dialog object
 * @returns {Promise<boolean>}
 */
export function confirmed(question) {
  const dialog = byId("confirm");
  const words = (/** @type {any} */ part, /** @type {string} */ otherwise) => part?.text ?? otherwise;
  dialog.replaceChildren(
    h("form", { method: "dialog" },
      h("h2", { id: "confirm-title" }, words(question.title, "Are you sure?")),
      h("p", null, words(question.text, "")),
      h("div", { class: "confirm-buttons" },
        h("button", { class: "button", value: "no" }, words(question.deny, "Cancel")),
        h("button", { class: `button ${question.style === "danger" ? "danger" : "primary"}`, value: "yes" },
          words(question.confirm, "Yes")))),
  );
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
