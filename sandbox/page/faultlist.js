// Everything that can be broken, in plain words. `on` is the value that switches a fault on;
// `choices` makes it a select instead (value → words). Names are those of the control API.

/**
 * @typedef {{name: string, title: string, what: string, watch: string, on?: any, off: any,
 *   choices?: [string, string][]}} Fault
 */

const ERRORS = /** @type {[string, string][]} */ ([
  ["4000", "4000 · not valid"],
  ["4001", "4001 · rate limit"],
  ["5003", "5003 · server too busy"],
  ["5000", "5000 · internal error"],
  ["10001", "10001 · failed to send"],
]);

const SECONDS = /** @type {[string, string][]} */ ([["2", "2 s"], ["5", "5 s"], ["15", "15 s"]]);

/** @type {Fault[]} */
const SENDBLUE = [
  {
    name: "lose_callbacks", title: "Lose every callback", on: true, off: false,
    what: "Sendblue’s news about a text never reaches the bot.",
    watch: "the bot asks by itself, and the thread still ends at Delivered.",
  },
  {
    name: "duplicate_callbacks", title: "Repeat callbacks", on: true, off: false,
    what: "Each piece of news arrives three times.",
    watch: "the thread says nothing twice.",
  },
  {
    name: "shuffle_callbacks", title: "Shuffle callbacks", on: true, off: false,
    what: "News arrives in the wrong order.",
    watch: "the status only ever moves forward.",
  },
  {
    name: "delay_callbacks", title: "Delay callbacks", off: 0,
    choices: SECONDS,
    what: "News arrives late.",
    watch: "the bot asks meanwhile; news that comes too late changes nothing.",
  },
  {
    name: "sms", title: "Fall back to SMS", on: true, off: false,
    what: "The customer has no iMessage: a green bubble.",
    watch: "the thread says SMS and promises no delivery, as SMS never reports one.",
  },
  {
    name: "opted_out", title: "Everyone said STOP", on: true, off: false,
    what: "Sendblue refuses each text: the customer opted out.",
    watch: "the thread says so, and nobody tries again.",
  },
  {
    name: "refuse", title: "Sendblue refuses", off: "", choices: ERRORS,
    what: "The answer to the send is an error.",
    watch: "a clear no is explained, a rate limit is waited out, and where it may have gone out nobody sends again.",
  },
  {
    name: "fail", title: "Fail later", off: "", choices: ERRORS,
    what: "Accepted first; the error comes with a callback.",
    watch: "the root message turns to failed, with the reason.",
  },
  {
    name: "hang_after_accept", title: "Sendblue never answers", on: true, off: false,
    what: "The text goes out, but the bot’s call gets no answer.",
    watch: "one bubble, never two. Lose the callbacks as well, and the thread admits its doubt until the bot finds out.",
  },
  {
    name: "drop_after_accept", title: "Sendblue hangs up", on: true, off: false,
    what: "The text goes out and the line is cut.",
    watch: "one bubble, never two.",
  },
  {
    name: "rate_limited", title: "Sendblue is busy (429)", on: true, off: false,
    what: "Sendblue takes no text for now.",
    watch: "the bot waits. Switch this off, and the text goes out once.",
  },
  {
    name: "down", title: "Sendblue is down", on: true, off: false,
    what: "Every call gets an HTML error page (503).",
    watch: "the thread admits that nobody knows, and nothing is sent again on a guess.",
  },
  {
    name: "drop_media", title: "Lose the picture", on: true, off: false,
    what: "A text sent with --media arrives without its picture.",
    watch: "the thread says that the picture is missing.",
  },
];

/** @type {Fault[]} */
const ANSWERS = [
  {
    name: "lose_inbound", title: "Lose answers", on: true, off: false,
    what: "The webhook tells nothing of what customers write.",
    watch: "the bot finds it in Sendblue’s list within seconds.",
  },
  {
    name: "duplicate_inbound", title: "Repeat answers", on: true, off: false,
    what: "The webhook tells everything three times.",
    watch: "each answer stands in the thread once.",
  },
  {
    name: "shuffle_inbound", title: "Shuffle answers", on: true, off: false,
    what: "The webhook tells an answer only after the next one.",
    watch: "none is missing and none stands twice; what comes late stands last.",
  },
  {
    name: "delay_inbound", title: "Delay answers", off: 0,
    choices: SECONDS,
    what: "The webhook is late.",
    watch: "the list may be faster; the late copy changes nothing.",
  },
  {
    name: "list_lag", title: "The list lags", off: 0,
    choices: [["5", "5 s"], ["15", "15 s"], ["30", "30 s"]],
    what: "What is new is not in the list yet.",
    watch: "lose answers as well: they come late, but they come.",
  },
  {
    name: "list_cap", title: "Small pages", on: 2, off: 0,
    what: "A page of the list holds two messages.",
    watch: "lose answers as well: the bot reads page after page.",
  },
  {
    name: "list_newest_first", title: "Newest first", on: true, off: false,
    what: "The list ignores the order that was asked for.",
    watch: "lose answers as well: none is missing and none stands twice.",
  },
  {
    name: "list_bare", title: "No word of more", on: true, off: false,
    what: "The list does not say whether more pages follow.",
    watch: "with small pages and lost answers none is missing.",
  },
];

/** @type {Fault[]} */
const SLACK = [
  {
    name: "rate_limited", title: "Slack is busy (429)", on: true, off: false,
    what: "Slack refuses every post and says “in a second”.",
    watch: "a text waits for its thread. Switch this off: waiting news comes as one reply, none is lost.",
  },
  {
    name: "down", title: "Slack is down", on: true, off: false,
    what: "Every call gets HTTP 503.",
    watch: "a text waits for its thread. Switch this off: the thread catches up with the phone.",
  },
  {
    name: "html_502", title: "A proxy’s error page", on: true, off: false,
    what: "HTML and 502 where JSON should be.",
    watch: "the same patience as when Slack is down.",
  },
  {
    name: "lose_answer", title: "Lose one answer", on: 1, off: 0,
    what: "The next post works, but the bot never hears so.",
    watch: "the bot finds its own post again: nothing appears twice.",
  },
  {
    name: "orphan_replies", title: "Replies lose their thread", on: true, off: false,
    what: "A reply to a deleted message is posted into the channel; otherwise it is refused.",
    watch: "delete a thread’s first message, then answer: it stands in #team alone.",
  },
];

/** @type {Fault[]} */
const TYPED = [
  {
    name: "lose_events", title: "Lose what is typed", on: true, off: false,
    what: "Slack tells nothing of what people write in threads.",
    watch: "nothing goes out. Kill the bot and start it again: it reads the threads back.",
  },
  {
    name: "repeat_events", title: "Repeat what is typed", on: true, off: false,
    what: "Slack tells everything twice at once.",
    watch: "the customer gets one text.",
  },
  {
    name: "twin_events", title: "Twins", on: true, off: false,
    what: "Slack tells everything twice, as if it were two things.",
    watch: "the customer gets one text.",
  },
  {
    name: "delay_events", title: "Delay what is typed", off: 0,
    choices: SECONDS,
    what: "Slack is late to tell what people write.",
    watch: "the text goes out late, and once.",
  },
  {
    name: "refuse_reactions", title: "Refuse reactions", on: "missing_scope", off: "",
    what: "The bot may not react to messages.",
    watch: "what a mark would show is said in words.",
  },
];

/** @type {Fault[]} */
const MEDIA = [
  {
    name: "slow_media", title: "Slow files", off: 0, choices: SECONDS,
    what: "What customers send comes in piece by piece.",
    watch: "words stand in the thread at once, the file below them later.",
  },
  {
    name: "refuse_media", title: "Files are gone", on: 404, off: 0,
    what: "What customers send is not there any more.",
    watch: "after half a minute the thread says so. Switch this off and click Try again.",
  },
  {
    name: "media_html", title: "A page, no file", on: true, off: false,
    what: "A web page comes where the customer’s file should be.",
    watch: "nobody takes it for a picture: the thread names it as what it is.",
  },
  {
    name: "refuse_upload", title: "Sendblue takes no file", on: 500, off: 0,
    what: "Sendblue refuses what the bot uploads.",
    watch: "the text waits for its file. Switch this off, and it goes out once.",
  },
];

/** @type {Fault[]} */
const FILES = [
  {
    name: "scan_seconds", title: "Scan files for long", off: 0, choices: [["5", "5 s"], ["10", "10 s"], ["60", "60 s"]],
    what: "Slack does not give out a new file yet.",
    watch: "the text waits for its file. Should that take too long, nothing is sent, and the thread says so.",
  },
  {
    name: "slow_download", title: "Slow downloads", off: 0, choices: SECONDS,
    what: "What people share comes piece by piece.",
    watch: "the text leaves later, and what is typed after it waits for its turn.",
  },
  {
    name: "download_html", title: "A page to sign in", on: true, off: false,
    what: "A web page comes where the file should be.",
    watch: "no customer ever gets that page.",
  },
  {
    name: "refuse_upload", title: "Slack takes no file", on: 500, off: 0,
    what: "Slack refuses what the bot uploads.",
    watch: "words stand in the thread. Switch this off, and the file follows, once.",
  },
  {
    name: "late_share", title: "Show files late", off: 0, choices: SECONDS,
    what: "Slack says yes to a file and shows it later.",
    watch: "the bot looks for it and never shows it twice.",
  },
];

/** @type {{name: string, side: "sendblue" | "slack", title: string, faults: Fault[]}[]} */
export const GROUPS = [
  { name: "texts", side: "sendblue", title: "Sendblue, which carries the texts", faults: SENDBLUE },
  { name: "answers", side: "sendblue", title: "Sendblue, which brings what customers write", faults: ANSWERS },
  { name: "typed", side: "slack", title: "Slack, which tells what people type", faults: TYPED },
  { name: "slack", side: "slack", title: "Slack, which shows the threads", faults: SLACK },
  { name: "media", side: "sendblue", title: "Sendblue, which hands over files", faults: MEDIA },
  { name: "files", side: "slack", title: "Slack, which keeps files", faults: FILES },
];
