// A box to type in: Enter sends, Shift+Enter makes a line, ArrowUp brings back the last one.

const TALLEST = 120; // pixels

/**
 * Make a form with one text area work. `send` gets what was typed, trimmed, and the files, never neither; what it
 * could not send (it returns false) comes back into the box.
 * @param {HTMLFormElement} form
 * @param {(text: string, files: File[]) => Promise<boolean>} send
 * @param {import("./attaching.js").Attached} [attached]
 */
export function typing(form, send, attached) {
  const input = /** @type {HTMLTextAreaElement} */ (form.querySelector("textarea"));
  /** @type {string[]} */
  const typed = [];
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    const files = attached?.take() ?? [];
    if (!text && !files.length) return;
    if (text) typed.push(text);
    fill(input, "");
    if (await send(text, files)) return;
    if (!input.value) fill(input, text);
    attached?.give(files);
  });
  input.addEventListener("input", () => grow(input));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.key === "ArrowUp" && !input.value && typed.length) {
      event.preventDefault();
      fill(input, typed[typed.length - 1]);
    }
  });
}

/** @param {HTMLTextAreaElement} input @param {string} text */
function fill(input, text) {
  input.value = text;
  grow(input);
}

/** @param {HTMLTextAreaElement} input */
export function grow(input) {
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight, TALLEST)}px`;
  input.form?.classList.toggle("ready", Boolean(input.value.trim()));
}
