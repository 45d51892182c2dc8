"""A contract source: one document, polled by Tessera.

    python3 contracts.py FILE [PORT]

GET tells the document (304 where If-None-Match names its ETag), PUT puts another one in its place until the program ends.
CONTRACTS_AUTH, where it is set, is the `authorization` header that both must carry.
"""

import hashlib
import hmac
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PATH = "/v1/contracts"


class Source(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    document = b""
    authorization = ""

    def do_GET(self):
        if not self.admitted():
            return
        tag = f'"{hashlib.sha256(Source.document).hexdigest()[:16]}"'
        if self.headers.get("if-none-match") == tag:
            self.answer(304, tag=tag)
        else:
            self.answer(200, Source.document, tag)

    def do_PUT(self):
        # Read first: what is left of a body would be taken for the next request.
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if not self.admitted():
            return
        try:
            Source.document = checked(body)
        except ValueError as error:
            self.answer(400, f"{error}\n".encode())
        else:
            self.answer(204)

    def admitted(self):
        """Whether the request is for the document and may be answered; if not, it has been refused."""
        if self.path.partition("?")[0] != PATH:
            self.answer(404)
        elif Source.authorization and not hmac.compare_digest(
                self.headers.get("authorization", "").encode(), Source.authorization.encode()):
            self.answer(401)
        else:
            return True
        return False

    def answer(self, status, body=b"", tag=None):
        self.send_response(status)
        if status == 200:
            self.send_header("content-type", "application/json")
        if tag:
            self.send_header("etag", tag)
        if status not in (204, 304):
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def checked(document):
    """`document`, if it is one; raises ValueError."""
    content = json.loads(document)
    if not isinstance(content, dict) or not isinstance(content.get("contracts"), list):
        raise ValueError('a document is an object with an array "contracts"')
    return document


def main():
    Source.document = checked(Path(sys.argv[1]).read_bytes())
    Source.authorization = os.environ.get("CONTRACTS_AUTH", "")
    server = ThreadingHTTPServer(("0.0.0.0", int(sys.argv[2]) if len(sys.argv) > 2 else 4100), Source)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
