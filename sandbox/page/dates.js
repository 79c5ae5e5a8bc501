// Times in the reader's own zone.

/** @param {Intl.DateTimeFormatOptions} options */
const format = (options) => new Intl.DateTimeFormat("en-US", options);

const TIME = format({ hour: "numeric", minute: "2-digit" });
const SECONDS = format({ hour: "numeric", minute: "2-digit", second: "2-digit" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DATE = format({ month: "long", day: "numeric", year: "numeric" });
const SHORT = format({ month: "short", day: "numeric", year: "numeric" });
const LONG = format({ weekday: "long", month: "long", day: "numeric", year: "numeric" });

/** 10:42 AM. @param {number} unix seconds */
export const timeOf = (unix) => TIME.format(unix * 1000);

/** 10:42:07 in 24 hours, for the log. @param {number} unix seconds */
export const clockOf = (unix) => CLOCK.format(unix * 1000);

/** The whole moment, for a tooltip. @param {number} unix seconds */
export const momentOf = (unix) => `${LONG.format(unix * 1000)} at ${SECONDS.format(unix * 1000)}`;

/** Today, yesterday, tomorrow or null. @param {number} unix seconds */
function nearDay(unix) {
  const midnight = (/** @type {Date} */ day) => new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
  const days = Math.round((midnight(new Date(unix * 1000)) - midnight(new Date())) / 86_400_000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? null;
}

/** Today, or the date: the label of a day in a list. @param {number} unix seconds */
export function dayOf(unix) {
  const near = nearDay(unix);
  return near ? near[0].toUpperCase() + near.slice(1) : LONG.format(unix * 1000);
}

/** 3 minutes ago. @param {number} unix seconds */
function ago(unix) {
  const seconds = Math.round(unix - Date.now() / 1000);
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (Math.abs(seconds) < 60) return relative.format(seconds, "second");
  if (Math.abs(seconds) < 3600) return relative.format(Math.round(seconds / 60), "minute");
  if (Math.abs(seconds) < 86_400) return relative.format(Math.round(seconds / 3600), "hour");
  return relative.format(Math.round(seconds / 86_400), "day");
}

/**
 * Slack's date tokens, `{date_short_pretty} at {time}`; words like "today" start a sentence in capitals.
 * @param {number} unix seconds
 * @param {string} pattern
 */
export function slackDate(unix, pattern) {
  const moment = unix * 1000;
  const pretty = (/** @type {Intl.DateTimeFormat} */ otherwise) => nearDay(unix) ?? otherwise.format(moment);
  /** @type {Record<string, () => string>} */
  const tokens = {
    date_num: () => new Date(moment).toLocaleDateString("en-CA"),
    date: () => DATE.format(moment),
    date_short: () => SHORT.format(moment),
    date_long: () => LONG.format(moment),
    date_pretty: () => pretty(DATE),
    date_short_pretty: () => pretty(SHORT),
    date_long_pretty: () => pretty(LONG),
    time: () => TIME.format(moment),
    time_secs: () => SECONDS.format(moment),
    ago: () => ago(unix),
  };
  const text = pattern.replace(/\{(\w+)\}/g, (whole, name) => tokens[name]?.() ?? whole);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
