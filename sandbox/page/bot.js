// The bot's process: is it up, kill it, start it again.

import { control, toast } from "./control.js";
import { byId } from "./dom.js";
import { icon } from "./icons.js";
import { on, state } from "./store.js";

const WORDS = /** @type {Record<string, string>} */ ({
  starting: "Bot is starting",
  up: "Bot is up",
  down: "Bot is down",
});

/** Make the two buttons work and keep the state current. */
export function showBot() {
  for (const action of ["kill", "start"]) {
    const button = byId(`${action}-bot`);
    button.prepend(icon("power"));
    button.addEventListener("click", () => control("bot", { action }));
  }
  on("state", sync);
  on("bot", (now) => {
    sync();
    const asked = /^(Killed|Stopped)/.test(now.note ?? "");
    if (now.state === "down" && !asked) toast(now.note || "The bot stopped by itself.");
  });
}

/** Only the button that makes sense is there; the keyboard's place moves with it. */
function sync() {
  const { state: now, note } = state.bot;
  const pill = byId("bot-state");
  pill.dataset.state = now;
  pill.textContent = WORDS[now] ?? `Bot: ${now}`;
  pill.title = note ?? "";
  const [kill, start] = [byId("kill-bot"), byId("start-bot")];
  const focused = [kill, start].includes(document.activeElement);
  kill.hidden = now === "down";
  start.hidden = now !== "down";
  if (focused) (now === "down" ? start : kill).focus();
}
