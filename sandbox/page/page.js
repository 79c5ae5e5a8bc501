// The page: wires the panes to the feed. Each pane listens for its own news (store.js).

import { showActors } from "./actor.js";
import { catchDrops } from "./attaching.js";
import { showBot } from "./bot.js";
import { showChannel } from "./channel.js";
import { showChannels } from "./channels.js";
import { showComposer } from "./composer.js";
import { showDialogs } from "./dialog.js";
import { byId } from "./dom.js";
import { showFaults } from "./faults.js";
import { connect } from "./feed.js";
import { icon } from "./icons.js";
import { showPhone } from "./phone.js";
import { showScenes } from "./scenes.js";
import { showSplitter } from "./splitter.js";
import { showTabs } from "./tabs.js";
import { showThread } from "./thread.js";
import { showTraffic } from "./traffic.js";
import { followLinks, watchThreads } from "./view.js";

byId("theme").append(icon("sun"), icon("moon")); // theme.js runs before modules do
showActors(); // first: what the others draw depends on who looks
showChannels();
showChannel();
showThread();
watchThreads();
followLinks();
showComposer();
catchDrops();
showDialogs();
showPhone();
showFaults();
showScenes();
showBot();
showTraffic();
showTabs();
showSplitter();
connect();
