"""`python -m benchmarks.floors MODULE:APP PORT`: serve an ASGI app as `bot.cli` serves the bot."""

import sys

import uvicorn


def main() -> None:
    """Serve until stopped."""
    app, port = sys.argv[1:]
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
