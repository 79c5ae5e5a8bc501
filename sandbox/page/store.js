// What the server told us, and who wants to know. Everything that arrives is an upsert.

/**
 * @typedef {import("./files.js").Shared} Shared
 * @typedef {{id: string, name: string, kind: "public" | "private" | "dm" | "archived", note: string,
 *   people?: string[]}} Channel
 * @typedef {{channel: string, ts: string, thread_ts: string | null, user: string, name: string, bot: boolean,
 *   text: string, blocks: any[], files: Shared[], reactions: [name: string, character: string][], edited: boolean,
 *   broadcast: boolean, deleted: boolean, at: number}} Message
 * @typedef {{id: string, channel: string, user: string, text: string, blocks: any[], at: number,
 *   command: string | null, thread_ts?: string | null, gone?: boolean, from?: "slackbot"}} Ephemeral `user` is who sees it
 * @typedef {{id: string, user: string, title: any, submit?: any, close?: any, blocks: any[],
 *   errors: Record<string, string>, gone?: boolean}} Dialog `user` is who sees it
 * @typedef {{handle: string, number: string, from_number: string, content: string, media: Shared[],
 *   outbound: boolean, status: string, service: string | null, was_downgraded: boolean | null,
 *   error_code: string | number | null, send_style: string | null, group_id: string, reacts_to: string, sign: string,
 *   at: number}} Phone `reacts_to`: a tapback on that text, whose `sign` is "" once it was taken back
 * @typedef {{id: string, name: string, people: string[]}} Group people are numbers
 * @typedef {{title: string, watch: string, state: "playing" | "kept" | "broken" | "stopped", broken: string[],
 *   channel: string, user: string}} Scene
 * @typedef {{id: string, at: number, from: string, to: string, method: string, path: string,
 *   status: number | null, ms: number | null, request: string, response: string, note: string}} Call
 */

export const state = {
  /** @type {Channel[]} */ channels: [],
  /** @type {Map<string, string>} id of a person, the bot or a user group → name */ users: new Map(),
  me: "",
  /** @type {{id: string, name: string, kind: "member" | "guest" | "outsider"}[]} whom the reader can be */ actors: [],
  /** @type {Map<string, Message>} */ messages: new Map(),
  /** @type {Map<string, Ephemeral>} */ ephemerals: new Map(),
  /** @type {Map<string, Dialog>} */ views: new Map(),
  /** @type {Map<string, Phone>} */ phones: new Map(),
  /** @type {Map<string, Call>} */ traffic: new Map(),
  /** @type {Set<string>} numbers that said STOP */ optedOut: new Set(),
  /** @type {Group | null} */ group: null,
  inbox: "", // the channel for customers whom nobody has texted
  /** @type {{slack: Record<string, any>, sendblue: Record<string, any>}} */ faults: { slack: {}, sendblue: {} },
  /** @type {{title: string, watch: string}[]} */ scenes: [],
  /** @type {Scene | null} the one being played, or played last */ scene: null,
  /** @type {{state: string, note: string}} */ bot: { state: "starting", note: "" },
};

const KEPT_CALLS = 200;

/** @type {Record<string, [Map<string, any>, (item: any) => string]>} */
const TABLES = {
  message: [state.messages, (item) => `${item.channel} ${item.ts}`],
  ephemeral: [state.ephemerals, (item) => String(item.id)],
  view: [state.views, (item) => item.id],
  phone: [state.phones, (item) => item.handle],
  traffic: [state.traffic, (item) => String(item.id)],
};

/** @type {Map<string, ((now: any, before: any) => void)[]>} */
const listeners = new Map();

/**
 * Be told of one kind of news: `state` (a whole new snapshot), `message`, `ephemeral`, `view`, `phone`,
 * `traffic`, `faults`, `bot`, `opted_out`, `scene`, and the page's own `channel` and `thread` (see view.js) and `actor` (actor.js).
 * @param {string} kind @param {(now: any, before: any) => void} listener
 */
export function on(kind, listener) {
  listeners.set(kind, [...(listeners.get(kind) ?? []), listener]);
}

/** Tell everyone who asked. @param {string} kind @param {any} now @param {any} [before] */
export function tell(kind, now, before) {
  for (const listener of listeners.get(kind) ?? []) listener(now, before);
}

/** Take one server event. @param {string} kind @param {any} data */
export function take(kind, data) {
  if (kind === "state") return replace(data);
  if (kind === "faults") state.faults = data;
  else if (kind === "bot") state.bot = data;
  else if (kind === "scene") state.scene = data;
  else if (kind === "opted_out") state.optedOut = new Set(data.numbers);
  const [table, keyOf] = TABLES[kind] ?? [];
  if (!table || !keyOf) return tell(kind, data);
  const key = keyOf(data);
  const before = table.get(key);
  if (data.gone) table.delete(key);
  else table.set(key, data);
  if (kind === "traffic" && table.size > KEPT_CALLS) table.delete(table.keys().next().value ?? "");
  tell(kind, data, before);
}

/** Start over from a snapshot: the first event after every (re)connection. @param {any} snapshot */
function replace(snapshot) {
  state.channels = snapshot.channels ?? [];
  state.users = new Map((snapshot.users ?? []).map((/** @type {any} */ user) => [user.id, user.name]));
  state.me = snapshot.me ?? "";
  state.actors = snapshot.actors ?? [];
  state.faults = snapshot.faults ?? state.faults;
  state.bot = snapshot.bot ?? state.bot;
  if (snapshot.scenes) [state.scenes, state.scene] = [snapshot.scenes, snapshot.scene];
  state.optedOut = new Set(snapshot.opted_out ?? []);
  state.group = snapshot.group ?? null;
  state.inbox = snapshot.inbox ?? "";
  const lists = { message: "messages", ephemeral: "ephemerals", view: "views", phone: "phones", traffic: "traffic" };
  for (const [kind, list] of Object.entries(lists)) {
    const [table, keyOf] = TABLES[kind];
    table.clear();
    for (const item of snapshot[list] ?? []) table.set(keyOf(item), item);
  }
  tell("state", snapshot);
}

/** Replies of a root, oldest first, without the deleted ones. @param {Message} root @returns {Message[]} */
export function repliesOf(root) {
  return [...state.messages.values()]
    .filter((m) => m.channel === root.channel && m.thread_ts === root.ts && m.ts !== root.ts && !m.deleted)
    .sort((a, b) => (a.ts < b.ts ? -1 : 1));
}

/** The message that a reply stands below. @param {Message} reply */
export function rootOf(reply) {
  return state.messages.get(`${reply.channel} ${reply.thread_ts}`);
}

/** Whether a message stands in the channel itself. @param {Message} message */
export function isRoot(message) {
  return !message.thread_ts || message.thread_ts === message.ts;
}
