// The bar between Slack and the lower panes: drag it, or use the arrow keys.

import { byId } from "./dom.js";

const KEY = "bluethread-split";
const LEAST = 20; // percent of the stage for the lower panes
const MOST = 70;
const STEP = 4;

let share = 38;

/** Make the bar work, with the height of last time. */
export function showSplitter() {
  const bar = byId("splitter");
  try {
    share = Number(localStorage.getItem(KEY)) || share;
  } catch {
    // Storage may be blocked; the default does.
  }
  set(share);
  bar.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    bar.setPointerCapture(event.pointerId);
    bar.addEventListener("pointermove", drag);
    bar.addEventListener("lostpointercapture", () => bar.removeEventListener("pointermove", drag), { once: true });
  });
  bar.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowUp: STEP, ArrowDown: -STEP }[event.key];
    if (!by) return;
    event.preventDefault();
    set(share + by);
  });
}

/** @param {PointerEvent} event */
function drag(event) {
  const stage = byId("stage").getBoundingClientRect();
  set(((stage.bottom - event.clientY) / stage.height) * 100);
}

/** @param {number} percent */
function set(percent) {
  share = Math.round(Math.min(MOST, Math.max(LEAST, percent)));
  byId("stage").style.setProperty("--lower", `${share}%`);
  byId("splitter").setAttribute("aria-valuenow", String(share));
  try {
    localStorage.setItem(KEY, String(share));
  } catch {
    // Not remembered then.
  }
}
