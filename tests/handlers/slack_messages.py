"""Messages that a person typed, as Slack tells of them."""

US = "U0BOT"


def said(**fields):
    """Return a message event of Ana's in a thread of ours."""
    return {
        "type": "message",
        "channel": "C0EXAMPLE",
        "channel_type": "channel",
        "user": "U0ANA",
        "team": "T0TEAM",
        "ts": "1764000000.000200",
        "thread_ts": "1763990000.000100",
        "parent_user_id": US,
        "client_msg_id": "0f6c-11",
        "text": "Hello",
        **fields,
    }


def told(event, **fields):
    return {
        "type": "event_callback",
        "team_id": "T0TEAM",
        "event": event,
        "authorizations": [{"user_id": US, "is_bot": True}],
        **fields,
    }


def blocks(*parts):
    return [{"type": "rich_text", "block_id": "x", "elements": list(parts)}]


def section(*elements):
    return {"type": "rich_text_section", "elements": [text(one) if isinstance(one, str) else one for one in elements]}


def part(kind, *elements, **fields):
    return {"type": f"rich_text_{kind}", "elements": section(*elements)["elements"], **fields}


def listed(style, *items, **fields):
    return {"type": "rich_text_list", "style": style, "elements": [section(item) for item in items], **fields}


def text(words, **style):
    return {"type": "text", "text": words} | ({"style": style} if style else {})


def user(user_id):
    return {"type": "user", "user_id": user_id}


def emoji(name, **fields):
    return {"type": "emoji", "name": name, **fields}


def link(url, label=None):
    return {"type": "link", "url": url} | ({"text": label} if label else {})
