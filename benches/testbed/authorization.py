"""The authorization server that the compared filters ask: nginx with one fixed answer, or our own that reads tokens."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from pathlib import Path

import processes as demo

from . import generator, processes

_NGINX = """
master_process off;
daemon off;
pid {directory}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {directory}/client;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location = /introspect {{
      default_type application/json;
      return 200 '{answer}';
    }}
    location = /bound {{
      default_type application/json;
      return 200 '{bound}';
    }}
    location / {{
      add_header x-client-id portal;
      add_header x-sla-tier gold;
      return 200;
    }}
  }}
}}
"""


class Server:
    """A running authorization server: its port, and a name for the report."""

    def __init__(self, port: int, title: str, pid: int) -> None:
        self.port = port
        self.title = title
        self.pid = pid


def start(children: processes.Children, load: Path, nginx: Path | None) -> Server:
    """nginx where there is one, else the stand-in of the load program."""
    if nginx is None:
        return start_own(children, load)
    (port,) = demo.free_ports(1)
    answer = {"active": True, "client_id": "portal", "scope": "orders.read", "token_type": "Bearer"}
    answer["exp"] = int(time.time()) + 86400
    # A client whose tokens are bound to its key names the key in the endpoint's address.
    answers = {"answer": answer, "bound": {**answer, "cnf": {"jkt": "$arg_jkt"}}}
    texts = {name: json.dumps(value, separators=(",", ":")) for name, value in answers.items()}
    config = children.directory / "nginx.conf"
    config.write_text(_NGINX.format(directory=children.directory, port=port, **texts))
    log = children.directory / "nginx.log"
    child = children.start(nginx, "-p", children.directory, "-c", config, log=log)
    demo.wait_until("nginx", child, lambda: _listens(port), lambda: demo.last_lines(log), within=10, every=0.01)
    version = subprocess.run([str(nginx), "-v"], capture_output=True, text=True).stderr.strip().split(": ")[-1]
    return Server(port, version, child.pid)


def start_own(children: processes.Children, load: Path, *arguments: object) -> Server:
    """The stand-in: reads off each token whether it is active and whose it is."""
    pid, port = generator.start_server(children, load, "authorization-server", *arguments)
    return Server(port, "the benchmark's own server", pid)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
