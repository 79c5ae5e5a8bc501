// A box to type in: Enter sends, Shift+Enter makes a line, ArrowUp brings back the last one.

const TALLEST = 120; // pixels

/**
 * Make a form with one text area work. `send` gets what was typed, trimmed and never empty; what it could not
 * send (it returns false) comes back into the box.
 * @param {HTMLFormElement} form
 * @param {(text: string) => Promise<boolean>} send
 */
export function typing(form, send) {
  const input = /** @type {HTMLTextAreaElement} */ (form.querySelector("textarea"));
  /** @type {string[]} */
  const typed = [];
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    typed.push(text);
    fill(input, "");
    if (!(await send(text)) && !input.value) fill(input, text);
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
