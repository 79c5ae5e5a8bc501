"""A bot that says yes to everything and does nothing."""

import sys

_SOURCE = """
import http.server, os

class Bot(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Bot).serve_forever()
"""

SILENT_BOT = [sys.executable, "-c", _SOURCE]
"""The command that runs it; its port is in PORT."""
