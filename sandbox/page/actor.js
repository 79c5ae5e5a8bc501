// Who types and clicks here: Ana, or one of the others whom the reader can be.

import { byId, h } from "./dom.js";
import { on, state, tell } from "./store.js";

let chosen = "";

/** The id of the person who acts. */
export const acting = () => chosen || state.me;

/** The channels this person sees. */
export const channels = () =>
  state.channels.filter(({ people }) => !people?.length || people.includes(acting()));

/** What a channel is called by this person: a conversation of two people has the other one's name. @param {string} id */
export function titleOf(id) {
  const channel = state.channels.find((one) => one.id === id);
  const other = channel?.people?.length === 2 && channel.people.find((person) => person !== acting());
  return (other && state.users.get(other)) || channel?.name || id;
}

/** The same as one says it: with a # unless it is a conversation. @param {string} id */
export function placeOf(id) {
  const isDm = state.channels.find((one) => one.id === id)?.kind === "dm";
  return isDm ? titleOf(id) : `#${titleOf(id)}`;
}

const SELECTS = ["actor", "reply-actor"];

/** Make the choice work, in the channel and in the thread, which may cover it. */
export function showActors() {
  for (const select of SELECTS.map(byId)) {
    select.addEventListener("change", () => actAs(select.value));
    on("state", () => {
      select.replaceChildren(...state.actors.map(({ id, name, kind }) =>
        h("option", { value: id }, kind === "member" ? name : `${name} (${kind})`)));
      select.value = acting();
    });
  }
}

/** @param {string} person */
export function actAs(person) {
  if (person === acting()) return;
  chosen = person;
  for (const select of SELECTS) byId(select).value = person;
  tell("actor", person);
}
