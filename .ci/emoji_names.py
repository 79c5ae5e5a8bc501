"""Write bot/slack/emoji_names.json from emoji-datasource (npm): every name Slack knows, and what it stands for.

`python .ci/emoji_names.py PACKAGE`: PACKAGE is the folder inside what `npm pack emoji-datasource` brings. `make emoji`
does both.
"""

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "bot" / "slack" / "emoji_names.json"
TONES = {f"1F3F{digit}": tone for digit, tone in zip("BCDEF", "23456", strict=True)}  # Slack counts from 2
SLACKS_OWN = {"simple_smile": "slightly_smiling_face", "squirrel": "chipmunk"}  # names that Slack has besides


def characters(unified: str) -> str:
    """`1F44B-1F3FC` → the emoji."""
    return "".join(chr(int(point, 16)) for point in unified.split("-"))


def suffix(variation: str) -> str:
    """`1F3FB-1F3FC` → `::skin-tone-2-3`, as Slack writes it behind the name. Two equal tones are written once."""
    tones = [TONES[tone] for tone in variation.split("-")]
    return "::skin-tone-" + "-".join(tones if len(set(tones)) > 1 else tones[:1])


def named(emoji: list[dict[str, Any]]) -> dict[str, str]:
    """Return name → emoji, with a name of its own for each skin tone."""
    found: dict[str, str] = {}
    for one in emoji:
        variations = {
            suffix(tones): characters(each["unified"]) for tones, each in one.get("skin_variations", {}).items()
        }
        for name in one["short_names"]:
            found[name] = characters(one["unified"])
            found |= {name + tones: toned for tones, toned in variations.items()}
    return found | {ours: found[theirs] for ours, theirs in SLACKS_OWN.items()}


def main(package: Path) -> None:
    """Write the table."""
    names = named(json.loads((package / "emoji.json").read_text()))
    version = json.loads((package / "package.json").read_text())["version"]
    about = {"source": f"emoji-datasource {version} by Cal Henderson, MIT License: see THIRD-PARTY-NOTICES.md"}
    rows = (f"{json.dumps(name)}: {json.dumps(emoji, ensure_ascii=False)}" for name, emoji in sorted(names.items()))
    TARGET.write_text("{\n" + json.dumps(about)[1:-1] + ",\n" + '"names": {\n' + ",\n".join(rows) + "\n}\n}\n")
    sys.stdout.write(f"{len(names)} names of emoji-datasource {version}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
