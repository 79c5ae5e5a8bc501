// The live feed: server-sent events, reconnecting for ever, with a banner while it is away.

import { byId } from "./dom.js";
import { take } from "./store.js";

const KINDS = ["state", "message", "ephemeral", "view", "phone", "traffic", "faults", "bot", "opted_out", "scene"];
const RETRY_AFTER = 1500; // milliseconds

/** Connect, and stay connected. */
export function connect() {
  const source = new EventSource("/control/events");
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      if (kind === "state") connected();
      take(kind, JSON.parse(/** @type {MessageEvent} */ (event).data));
    });
  }
  source.addEventListener("error", () => {
    disconnected();
    // The browser gives up for good when the answer is no event stream (a proxy, a restart): we do not.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_AFTER);
  });
}

function connected() {
  byId("banner").hidden = true;
  delete document.body.dataset.disconnected;
}

function disconnected() {
  const banner = byId("banner");
  document.body.dataset.disconnected = "yes";
  banner.textContent = "Disconnected from the sandbox. What you see may be old; trying again…";
  banner.hidden = false;
}
