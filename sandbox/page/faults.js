// The fault panel: labelled switches; the server's `faults` event has the last word on their state.

import { control } from "./control.js";
import { byId, h } from "./dom.js";
import { GROUPS } from "./faultlist.js";
import { on, state } from "./store.js";

/** @typedef {import("./faultlist.js").Fault} Fault */

/**
 * `wanted`: what was chosen and the server has not said back yet. An older event must not undo it meanwhile.
 * @typedef {{side: "slack" | "sendblue", fault: Fault, input: any, row: HTMLElement, wanted?: any}} Row
 */

/** @type {Row[]} */
const rows = [];

const CALM = "No text gets lost, and none goes out twice.";

/** What to watch for is told of the fault switched on last. @type {Fault | undefined} */
let latest;

/** Draw every switch once and keep them current. */
export function showFaults() {
  for (const group of GROUPS) {
    const heading = `faults-${group.name}`;
    byId("fault-list").append(
      h("section", { "aria-labelledby": heading },
        h("h3", { id: heading, class: `from-${group.side}` }, group.title),
        h("ul", { class: "fault-grid" }, group.faults.map((fault) => row(group.side, fault)))),
    );
  }
  byId("clear-faults").addEventListener("click", () => control("reset"));
  on("state", sync);
  on("faults", sync);
}

/** @param {"slack" | "sendblue"} side @param {Fault} fault */
function row(side, fault) {
  const id = `fault-${side}-${fault.name}`;
  const props = { id, test: id, "aria-describedby": `${id}-about`, onchange: () => change(entry) };
  const input = fault.choices
    ? h("select", props, [["", "off"], ...fault.choices].map(([value, words]) => h("option", { value }, words)))
    : h("input", { ...props, type: "checkbox", role: "switch", class: "switch" });
  const node = h("li", { class: "fault", title: `${fault.what} Watch: ${fault.watch}` },
    h("label", { class: "fault-title", for: id }, fault.title), input,
    h("p", { id: `${id}-about`, class: "fault-about" },
      fault.what, " ",
      h("span", null, h("b", null, "Watch: "), fault.watch)));
  /** @type {Row} */
  const entry = { side, fault, input, row: node };
  rows.push(entry);
  return node;
}

/** @param {Row} entry */
async function change(entry) {
  const { side, fault, input } = entry;
  const chosen = fault.choices ? input.value : input.checked;
  const value = chosen ? (fault.choices ? likeOff(fault, chosen) : fault.on) : fault.off;
  entry.wanted = value;
  if (await control(`${side}/faults`, { [fault.name]: value })) return;
  entry.wanted = undefined;
  sync();
}

/**
 * A choice as the type of its off value: seconds are numbers, codes are strings.
 * @param {Fault} fault
 * @param {string} chosen
 */
function likeOff(fault, chosen) {
  return typeof fault.off === "number" ? Number(chosen) : chosen;
}

/** Show what the server says is broken. */
function sync() {
  let active = 0;
  for (const entry of rows) {
    const { side, fault, input, row: node } = entry;
    const value = state.faults[side]?.[fault.name] ?? fault.off;
    if (entry.wanted === value) entry.wanted = undefined;
    const isOn = Boolean(value);
    if (isOn && !node.classList.contains("on")) latest = fault;
    if (entry.wanted === undefined) {
      if (fault.choices) choose(fault, input, value);
      else input.checked = isOn;
    }
    node.classList.toggle("on", isOn);
    active += Number(isOn);
  }
  byId("fault-count").textContent = active ? `${active} on` : "";
  const clear = byId("clear-faults");
  if (!active && clear === document.activeElement) byId("fault-list").focus(); // it is about to go
  clear.hidden = !active;
  hint(rows.filter(({ row: node }) => node.classList.contains("on")).map(({ fault }) => fault));
  document.body.dataset.faults = active ? String(active) : "";
  byId("tab-faults").textContent = active ? String(active) : "";
  byId("tab-faults").parentElement.ariaLabel = active ? `Faults, ${active} on` : null;
}

/** @param {Fault[]} broken */
function hint(broken) {
  if (!latest || !broken.includes(latest)) latest = broken[broken.length - 1];
  byId("fault-hint").replaceChildren(...(latest ? [h("b", null, `${latest.title}: `), latest.watch] : [CALM]));
}

/**
 * Show a value, 5.0 and "5" alike; one the page does not offer is there for as long as it is on.
 * @param {Fault} fault
 * @param {any} input
 * @param {any} value
 */
function choose(fault, input, value) {
  input.querySelector("[data-other]")?.remove();
  const known = fault.choices?.find(([one]) => String(one) === String(value))?.[0];
  if (value && known === undefined) {
    const words = typeof fault.off === "number" ? `${value} s` : String(value);
    input.append(h("option", { value: String(value), "data-other": "" }, words));
  }
  input.value = value ? (known ?? String(value)) : "";
}
