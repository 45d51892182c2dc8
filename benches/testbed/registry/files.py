"""The floor of the feed: nginx, which answers with the very same documents out of files."""

from __future__ import annotations

from pathlib import Path

import processes as demo

from .. import processes, programs

_NGINX = """
master_process off;
daemon off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  keepalive_requests 1000000000;
  keepalive_timeout 600;
  default_type application/json;
  client_body_temp_path {folder}/client;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/files;
  }}
}}
"""


class Files:
    """A folder, served."""

    def __init__(self, children: processes.Children, folder: Path) -> None:
        nginx = programs.nginx()
        if nginx is None:
            programs.stop_with("nginx is missing (on Debian: apt-get install --no-install-recommends nginx-light)")
        self._folder = folder / "files"
        self._folder.mkdir(parents=True)
        (self.port,) = demo.free_ports(1)
        config, log = folder / "nginx.conf", folder / "nginx.log"
        config.write_text(_NGINX.format(folder=folder, port=self.port))
        child = children.start(nginx, "-p", folder, "-c", config, log=log)
        self.put("ready", b"{}")
        demo.wait_until("nginx", child, (folder / "nginx.pid").exists, lambda: demo.last_lines(log), within=10)

    def put(self, name: str, content: bytes) -> None:
        (self._folder / name).write_bytes(content)
