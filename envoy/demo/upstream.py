"""An upstream that answers with what reached it, as JSON.

    python3 upstream.py [PORT]
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        seen = {"method": self.command, "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()}}
        body = (json.dumps(seen, indent=2) + "\n").encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, *_):
        pass


def serve(host="127.0.0.1", port=0):
    """A server bound to `host` and `port` (0 = any free one); `serve_forever` runs it."""
    server = ThreadingHTTPServer((host, port), Echo)
    server.daemon_threads = True
    return server


if __name__ == "__main__":
    serve("0.0.0.0", int(sys.argv[1]) if len(sys.argv) > 1 else 9000).serve_forever()
