// One-click scenes: the tour's, played here. The server sets the switches and puts them back.

import { actAs } from "./actor.js";
import { control } from "./control.js";
import { byId, h } from "./dom.js";
import { icon } from "./icons.js";
import { on, state } from "./store.js";
import { select } from "./tabs.js";
import { followNext, narrow, openChannel, openThread } from "./view.js";

/** Draw the scenes, and keep the line that tells of the one being played. */
export function showScenes() {
  const close = h("button", { class: "icon-button", type: "button", "aria-label": "Dismiss" }, icon("close"));
  close.addEventListener("click", () => (byId("scene").hidden = true));
  byId("scene").append(close);
  for (const view of views()) view.addEventListener("click", () => show(view.dataset.view ?? ""));
  on("state", () => {
    byId("scenes").replaceChildren(...state.scenes.map(entry));
    tell();
  });
  on("scene", () => {
    if (state.scene?.state === "playing") begin(state.scene);
    tell();
  });
}

/** @returns {NodeListOf<HTMLElement>} */
const views = () => byId("fault-views").querySelectorAll("button");

/** Switches or scenes. @param {string} name */
function show(name) {
  for (const view of views()) view.setAttribute("aria-pressed", String(view.dataset.view === name));
  byId("scene-list").hidden = name !== "scenes";
  byId("fault-list").hidden = name === "scenes";
  document.body.dataset.breaking = name;
}

/** @param {{title: string, watch: string}} scene @param {number} place */
function entry({ title, watch }, place) {
  const about = `scene-${place}-about`;
  const button = h("button", { type: "button", class: "scene-button", "aria-describedby": about, title: watch },
    icon("play"), h("span", { class: "scene-title" }, title));
  button.addEventListener("click", () => control("scene", { title }));
  return h("li", null, button, h("p", { class: "scene-about", id: about }, watch));
}

/** Go where it plays. @param {import("./store.js").Scene} scene */
function begin(scene) {
  actAs(scene.user);
  followNext();
  openChannel(scene.channel);
  if (narrow.matches) openThread(""); // it would cover its channel
  select("slack");
}

/** The line on top: what is played and what to watch for, then how it went. */
function tell() {
  const scene = state.scene;
  byId("scene").hidden = !scene;
  for (const button of byId("scenes").querySelectorAll("button")) {
    button.setAttribute("aria-disabled", String(scene?.state === "playing"));
  }
  if (!scene) return;
  byId("scene").dataset.state = scene.state;
  byId("scene-words").replaceChildren(h("b", null, `${scene.title}. `), words(scene));
}

/** @param {import("./store.js").Scene} scene */
function words(scene) {
  if (scene.state === "playing") return `Watch: ${scene.watch.charAt(0).toLowerCase()}${scene.watch.slice(1)}`;
  if (scene.state === "kept") return "Every promise was kept, and the switches are as they were.";
  if (scene.state === "stopped") return "It was stopped short, as the bot went down.";
  return `A promise was broken: ${scene.broken.join("; ")}.`;
}
