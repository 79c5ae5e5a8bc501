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

/** Make the choice work. */
export function showActors() {
  byId("actor").addEventListener("change", () => actAs(byId("actor").value));
  on("state", () => {
    byId("actor").replaceChildren(...state.actors.map(({ id, name, guest }) =>
      h("option", { value: id }, guest ? `${name} (guest)` : name)));
    byId("actor").value = acting();
  });
}

/** @param {string} person */
export function actAs(person) {
  if (person === acting()) return;
  chosen = person;
  byId("actor").value = person;
  tell("actor", person);
}
