// The emoji names people and bots use most. An unknown name stays as it was typed, as in Slack.

/** One line per family; `name glyph` pairs. */
const TABLE = `
grinning 😀|smiley 😃|smile 😄|grin 😁|laughing 😆|joy 😂|rofl 🤣|slightly_smiling_face 🙂|wink 😉|blush 😊
innocent 😇|heart_eyes 😍|kissing_heart 😘|yum 😋|thinking_face 🤔|neutral_face 😐|expressionless 😑|smirk 😏
relieved 😌|sleepy 😪|sleeping 😴|sunglasses 😎|confused 😕|worried 😟|cry 😢|sob 😭|scream 😱|angry 😠|rage 😡
skull 💀|robot_face 🤖|see_no_evil 🙈|heart ❤️|blue_heart 💙|green_heart 💚|broken_heart 💔|sparkling_heart 💖
wave 👋|raised_hand ✋|ok_hand 👌|v ✌️|crossed_fingers 🤞|+1 👍|thumbsup 👍|-1 👎|thumbsdown 👎|clap 👏
raised_hands 🙌|pray 🙏|muscle 💪|eyes 👀|point_right 👉|point_left 👈|point_up ☝️|point_down 👇|handshake 🤝
tada 🎉|confetti_ball 🎊|balloon 🎈|gift 🎁|birthday 🎂|star ⭐|sparkles ✨|fire 🔥|100 💯|rocket 🚀|zap ⚡|boom 💥
rainbow 🌈|sunny ☀️|cloud ☁️|umbrella ☔|snowflake ❄️|coffee ☕|beer 🍺|wine_glass 🍷|pizza 🍕|fork_and_knife 🍴
knife_fork_plate 🍽️|car 🚗|airplane ✈️|house 🏠|office 🏢|calendar 📆|date 📅|clock1 🕐|clock4 🕓|alarm_clock ⏰|stopwatch ⏱️
hourglass ⌛|hourglass_flowing_sand ⏳|white_check_mark ✅|heavy_check_mark ✔️|ballot_box_with_check ☑️|x ❌
heavy_multiplication_x ✖️|warning ⚠️|no_entry ⛔|no_entry_sign 🚫|octagonal_sign 🛑|question ❓|grey_question ❔
exclamation ❗|information_source ℹ️|bulb 💡|mag 🔍|lock 🔒|unlock 🔓|key 🔑|bell 🔔|no_bell 🔕|mega 📣
speech_balloon 💬|thought_balloon 💭|email 📧|envelope ✉️|incoming_envelope 📨|inbox_tray 📥|outbox_tray 📤
mailbox 📫|package 📦|iphone 📱|calling 📲|phone ☎️|telephone_receiver 📞|camera 📷|frame_with_picture 🖼️|paperclip 📎
link 🔗|memo 📝|pencil2 ✏️|clipboard 📋|wrench 🔧|gear ⚙️|hammer 🔨|computer 💻|bar_chart 📊|chart_with_upwards_trend 📈
arrows_counterclockwise 🔄|repeat 🔁|arrow_right ➡️|arrow_left ⬅️|arrow_up ⬆️|arrow_down ⬇️|leftwards_arrow_with_hook ↩️|arrow_right_hook ↪️
red_circle 🔴|large_orange_circle 🟠|large_yellow_circle 🟡|large_green_circle 🟢|large_blue_circle 🔵|white_circle ⚪
black_circle ⚫|rotating_light 🚨|construction 🚧|sos 🆘|new 🆕|ok 🆗|moneybag 💰|credit_card 💳|dog 🐶|cat 🐱|bug 🐛|thread 🧵
`;

/** @type {Map<string, string>} */
const GLYPHS = new Map(
  TABLE.trim().split(/[|\n]/).map((pair) => /** @type {[string, string]} */ (pair.split(" "))),
);

/**
 * The glyph of `:name:` or `:name::skin-tone-3:`; an unknown name comes back unchanged.
 * @param {string} name with its colons
 */
export function emoji(name) {
  const [, base, , tone] = /^:([^:]+):(:skin-tone-([2-6]):)?$/.exec(name) ?? [];
  const glyph = GLYPHS.get(base ?? "");
  if (!glyph) return name;
  return tone ? glyph.replace("\uFE0F", "") + String.fromCodePoint(0x1f3f9 + Number(tone)) : glyph;
}
