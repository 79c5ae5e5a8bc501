// Phone width: one pane at a time. On wider windows CSS shows all of them and hides the tabs.

import { on } from "./store.js";
import { openThread, view } from "./view.js";

/** Which news makes which tab worth a look. */
const NEWS = { message: "slack", ephemeral: "slack", phone: "phone" };

/** Make the tabs work. */
export function showTabs() {
  for (const button of tabs()) button.addEventListener("click", () => select(button.dataset.pane ?? "slack"));
  for (const [kind, pane] of Object.entries(NEWS)) {
    on(kind, () => pane !== document.body.dataset.tab && tab(pane)?.classList.add("news"));
  }
}

/** Show a pane; where all are in sight this changes nothing. @param {string} pane */
export function select(pane) {
  // A second tap on Slack leads back from a thread to its channel.
  if (pane === "slack" && document.body.dataset.tab === "slack" && view.thread) openThread("");
  document.body.dataset.tab = pane;
  for (const button of tabs()) {
    if (button.dataset.pane === pane) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  tab(pane)?.classList.remove("news");
}

/** @returns {NodeListOf<HTMLElement>} */
const tabs = () => document.querySelectorAll(".tabs [data-pane]");

/** @param {string} pane @returns {HTMLElement | null} */
const tab = (pane) => document.querySelector(`.tabs [data-pane="${pane}"]`);
