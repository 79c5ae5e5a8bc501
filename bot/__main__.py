import sys

try:
    from bot.cli import main
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] in ("bot", "handlers"):
        raise
    sys.exit(
        f"Bluethread: the package {missing.name} is missing here. Run `make install` once, then "
        "`.venv/bin/python -m bot` instead of another Python."
    )

main(prog_name="python -m bot")
