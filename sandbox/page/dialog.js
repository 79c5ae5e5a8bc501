// The app's dialogs (Slack calls them modals), in front of the one person they were opened for.

import { acting } from "./actor.js";
import { body } from "./blocks.js";
import { control, toast } from "./control.js";
import { byId, h } from "./dom.js";
import { on, state } from "./store.js";

/** @typedef {import("./store.js").Dialog} Dialog */

let open = ""; // the id of the one on screen
let drawn = ""; // what it was drawn from, so that no news takes away what somebody is writing

/** Show what is open for the one who acts, and keep it current. */
export function showDialogs() {
  const dialog = byId("dialog");
  dialog.addEventListener("cancel", (/** @type {Event} */ event) => {
    event.preventDefault(); // it closes once the server says so
    control("dismiss", { id: open });
  });
  for (const news of ["state", "view", "actor"]) on(news, draw);
}

function draw() {
  const dialog = byId("dialog");
  const view = [...state.views.values()].findLast(({ user }) => user === acting());
  const now = JSON.stringify(view ?? null);
  if (now === drawn) return;
  [open, drawn] = [view?.id ?? "", now];
  if (!view) return dialog.close();
  dialog.replaceChildren(form(view));
  if (!dialog.open) dialog.showModal();
  const first = dialog.querySelector("[aria-invalid], textarea, input");
  first?.focus();
  first?.setSelectionRange(first.value.length, first.value.length);
}

/** @param {Dialog} view */
function form(view) {
  const cancel = h("button", { class: "button", type: "button", onclick: () => control("dismiss", { id: view.id }) },
    view.close?.text ?? "Cancel");
  const submit = view.submit ? h("button", { class: "button primary", type: "submit" }, view.submit.text) : null;
  const blocks = view.blocks.map((block) => (block.type === "input" ? question(block, view.errors[block.block_id]) : part(block, view)));
  const made = h("form", null,
    h("h2", { id: "dialog-title" }, view.title.text),
    h("div", { class: "dialog-body" }, blocks),
    h("div", { class: "confirm-buttons" }, cancel, submit));
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = /** @type {any[]} */ ([...made.querySelectorAll("[data-block]")]);
    const values = Object.fromEntries(fields.map((field) => [field.dataset.block, field.value]));
    const answer = await control("submit", { id: view.id, values });
    if (answer?.failure) toast("We had some trouble connecting. Try again?"); // Slack's own words
  });
  return made;
}

/** @param {any} block @param {Dialog} view */
const part = (block, view) => body({ text: "", blocks: [block], channel: "", ts: view.id });

/** @param {any} block @param {string} [error] */
function question(block, error) {
  const { element: asked, block_id: id, label, hint, optional } = block;
  const about = error ? `${id}-error` : hint ? `${id}-hint` : null;
  const props = { id: `dialog-${id}`, "data-block": id, "aria-describedby": about, "aria-invalid": error ? "true" : null };
  const value = asked.initial_value ?? "";
  const field = h(asked.multiline ? "textarea" : "input", { ...props, rows: 4, value, placeholder: asked.placeholder?.text });
  return h("div", { class: "dialog-question" },
    h("label", { for: props.id }, label.text, optional ? h("small", null, " (optional)") : null),
    field,
    error ? h("p", { id: `${id}-error`, class: "dialog-error", role: "alert" }, error) : null,
    hint && !error ? h("p", { id: `${id}-hint`, class: "dialog-hint" }, hint.text) : null);
}
