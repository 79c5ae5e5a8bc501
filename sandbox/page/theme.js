// Light or dark, decided before the first paint; that is why this one is no module.
"use strict";

(() => {
  const KEY = "bluethread-theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  /** What the reader chose, or null: storage may be blocked. */
  function chosen() {
    try {
      const value = localStorage.getItem(KEY);
      return value === "dark" || value === "light" ? value : null;
    } catch {
      return null;
    }
  }

  /** The theme on screen now. */
  function current() {
    return root.dataset.theme ?? (system.matches ? "dark" : "light");
  }

  /** Say on the button what a click will do. */
  function label() {
    const button = document.getElementById("theme");
    if (!button) return;
    const next = current() === "dark" ? "light" : "dark";
    button.dataset.next = next;
    button.setAttribute("aria-label", `Switch to ${next} theme`);
    button.title = `Switch to ${next} theme`;
  }

  function toggle() {
    const next = current() === "dark" ? "light" : "dark";
    root.dataset.theme = next;
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // Not remembered then; the choice still holds until the page is closed.
    }
    label();
  }

  if (chosen()) root.dataset.theme = chosen();
  system.addEventListener("change", label);
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", toggle);
    label();
  });
})();
