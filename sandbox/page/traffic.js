// The live log of HTTP calls, drawn as a sequence diagram: three lanes, one arrow per call.

import { clockOf, momentOf } from "./dates.js";
import { byId, followEnd, h, keepEnd, toEnd } from "./dom.js";
import { shownName, sizeOf } from "./files.js";
import { icon, shape } from "./icons.js";
import { on, state } from "./store.js";

/** @typedef {import("./store.js").Call} Call */

const NAMES = /** @type {Record<string, string>} */ ({ slack: "Slack", bot: "Bot", sendblue: "Sendblue" });
const LANES = /** @type {Record<string, number>} */ ({ slack: 16, bot: 62, sendblue: 113 }); // pixels from the left
const HEIGHT = 26; // pixels of a row
const WORDS = /** @type {Record<number, string>} */ ({
  200: "OK", 201: "Created", 202: "Accepted", 204: "No content",
  400: "Bad request", 401: "Unauthorized", 403: "Forbidden", 404: "Not found", 408: "Timeout", 409: "Conflict",
  413: "Too large", 429: "Slow down", 500: "Error", 502: "Bad gateway", 503: "Unavailable", 504: "Timeout",
});

/** @type {Map<string, HTMLElement>} */
const shown = new Map();
/** @type {Set<string>} ids of rows the reader opened */
const opened = new Set();

/** Draw the log and keep it current. */
export function showTraffic() {
  followEnd(byId("traffic-scroll"));
  on("state", redraw);
  on("traffic", (call) => keepEnd(byId("traffic-scroll"), () => show(call)));
  byId("traffic-filter").addEventListener("change", redraw);
}

function redraw() {
  shown.clear();
  byId("traffic-rows").replaceChildren();
  for (const call of state.traffic.values()) show(call);
  if (!shown.size) {
    const words = "Every HTTP call between Slack, the bot and Sendblue appears here.";
    byId("traffic-rows").append(h("li", { class: "empty" }, words));
  }
  toEnd(byId("traffic-scroll"));
}

/** @param {Call} call */
function show(call) {
  const key = String(call.id);
  const before = shown.get(key);
  if (!wanted(call)) {
    before?.remove();
    shown.delete(key);
    return;
  }
  const node = row(call, key);
  shown.set(key, node);
  byId("traffic-rows").querySelector(".empty")?.remove();
  if (!before) byId("traffic-rows").append(node);
  else {
    const focused = before.contains(document.activeElement);
    before.replaceWith(node);
    if (focused) node.querySelector("button")?.focus();
  }
  forget();
}

/** Rows the store no longer keeps go from the top. */
function forget() {
  for (const [key, node] of shown) {
    if (state.traffic.has(key)) return;
    node.remove();
    shown.delete(key);
    opened.delete(key);
  }
}

/** @param {Call} call */
function wanted(call) {
  const filter = byId("traffic-filter").value;
  if (filter === "all") return true;
  if (filter === "trouble") return outcome(call).kind !== "good" && outcome(call).kind !== "open";
  return call.from === filter || call.to === filter;
}

/** @param {Call} call @param {string} key */
function row(call, key) {
  const { kind, words } = outcome(call);
  const isOpen = opened.has(key);
  const details = `call-${key}`;
  const disclosure = { "aria-expanded": String(isOpen), "aria-controls": isOpen ? details : null };
  const button = h("button", { type: "button", class: "call", ...disclosure },
    h("time", { title: momentOf(call.at) }, clockOf(call.at)),
    h("span", { class: "hidden" }, ` ${nameOf(call.from)} → ${nameOf(call.to)} `),
    h("span", { class: "lane-cell" }, arrow(call)),
    h("span", { class: "call-path", title: call.path }, h("b", null, call.method), " ", shortPath(call), carried(call),
      call.note ? h("em", null, ` ${call.note}`) : null),
    h("span", { class: `outcome ${kind}`, title: words }, said(words)),
    h("span", { class: "ms" }, took(call.ms)),
    icon("chevron"));
  const props = { class: `call-row ${kind}`, test: "traffic-row", "data-from": call.from, "data-to": call.to };
  const node = h("li", props, button, isOpen ? inside(call, details) : null);
  button.addEventListener("click", () => toggle(call.id, key));
  return node;
}

/** Open or close a row; it is drawn again from the newest news. @param {any} id @param {string} key */
function toggle(id, key) {
  if (!opened.delete(key)) opened.add(key);
  const call = state.traffic.get(String(id));
  if (call) show(call);
  shown.get(key)?.scrollIntoView({ block: "nearest" });
}

/** @param {Call} call @param {string} id */
function inside(call, id) {
  const nothing = outcome(call).kind === "open" ? "(not yet)" : "(empty)";
  return h("div", { class: "call-inside", id },
    h("p", { class: "call-line" },
      h("b", null, `${nameOf(call.from)} → ${nameOf(call.to)}`), ` ${call.method} `, h("code", null, call.path),
      call.ms === null || call.ms === undefined ? null : ` in ${took(call.ms)} ms`),
    call.note ? h("p", { class: "call-note" }, call.note) : null,
    h("h3", null, "Request"), h("pre", { tabindex: "0" }, call.request || "(empty)"),
    h("h3", null, "Answer"), h("pre", { tabindex: "0" }, call.response || nothing));
}

/**
 * How the call went, in words. Slack says “no” with HTTP 200.
 * @param {Call} call
 * @returns {{kind: string, words: string}}
 */
function outcome(call) {
  const { status, ms } = call;
  if (status === null || status === undefined) {
    return ms === null || ms === undefined ? { kind: "open", words: "waiting" } : { kind: "bad", words: "no answer" };
  }
  const words = `${status} ${WORDS[status] ?? ""}`;
  if (status >= 500) return { kind: "bad", words };
  if (status >= 400) return { kind: "warn", words };
  const error = call.to === "slack" && /"ok":\s*false/.test(call.response ?? "");
  if (error) return { kind: "warn", words: /"error":\s*"([^"]+)"/.exec(call.response)?.[1] ?? "not ok" };
  return { kind: "good", words };
}

/** The number of an answer and its words apart: a narrow log shows the number alone. @param {string} words */
function said(words) {
  const [number, meaning] = /^(\d+) (.*)$/.exec(words)?.slice(1) ?? [words, ""];
  return meaning ? [number, h("span", { class: "meaning" }, ` ${meaning}`)] : number;
}

/** The three lanes with this call's arrow. @param {Call} call */
function arrow(call) {
  const from = LANES[call.from] ?? LANES.bot;
  const to = LANES[call.to] ?? LANES.bot;
  const middle = HEIGHT / 2;
  const tip = from < to ? -1 : 1;
  const svg = shape("svg", { viewBox: `0 0 146 ${HEIGHT}`, class: "arrow", "aria-hidden": "true" });
  svg.append(
    shape("circle", { class: `dot from-${call.from}`, cx: from, cy: middle, r: 3.5 }),
    shape("path", { class: `shaft from-${call.from}`, d: `M${from} ${middle}H${to + tip * 2}` }),
    shape("path", { class: `tip from-${call.from}`, d: `M${to + tip * 8} ${middle - 4}L${to + tip} ${middle}l${tip * 7} 4z` }),
  );
  return svg;
}

/** Milliseconds, with one decimal while that says something. @param {number | null} ms */
function took(ms) {
  if (ms === null || ms === undefined) return "…";
  return ms < 9.95 ? ms.toFixed(1) : Math.round(ms);
}

/** @param {string} id */
const nameOf = (id) => NAMES[id] ?? id;

/** How large the file is that a call carries; nothing of other calls. @param {Call} call */
function carried({ request, response }) {
  const [, bytes] = /^(\d+) bytes$|^\{\s*"content_length": "(\d+)"/.exec(request || response || "")?.filter(Boolean) ?? [];
  return bytes ? h("small", null, ` ${sizeOf(Number(bytes))}`) : null;
}

/** The path as the real service has it: without the sandbox's own prefix, of a file without its id. @param {Call} call */
function shortPath(call) {
  const prefix = call.to === "bot" ? "" : `/${call.to}`;
  const path = prefix && call.path.startsWith(`${prefix}/`) ? call.path.slice(prefix.length) : call.path;
  return shownName(path.replace(/^(\/files-pri|\/media)\/.*\//, "$1/…/"));
}
