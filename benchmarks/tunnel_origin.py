"""The origin of benchmarks `wireguard` and `enrol`: nginx with its own certificate, in a namespace behind a tunnel.

It answers `/` shortly and `/bulk` for longer than any round. Nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.processes import program, running
from benchmarks.setting import load_cores
from benchmarks.splice import make_certificate
from benchmarks.tunnel_network import Network

_BULK = 8 << 30  # bytes, sparse


@contextmanager
def origin(made: Network, folder: Path, addresses: Iterable[str]) -> Iterator[None]:
    """Run nginx at every one of these addresses."""
    make_certificate(folder)
    with (folder / "bulk").open("wb") as bulk:
        bulk.truncate(_BULK)
    for address in addresses:
        made.run("origin", "ip", "addr", "add", f"{address}/32", "dev", "lo")
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder))
    command = made.words("origin", program("nginx", "nginx-light"), "-c", str(config), "-p", str(folder))
    with running(command, load_cores(), partial(_answers, made), folder / "nginx.log"):
        yield


def _answers(made: Network) -> bool:
    return f":{443:04X} " in made.run("origin", "cat", "/proc/net/tcp")


_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-errors;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 443 ssl;
    ssl_certificate {folder}/certificate.pem;
    ssl_certificate_key {folder}/key.pem;
    default_type application/octet-stream;
    location / {{ return 200 ok; }}
    location /bulk {{ alias {folder}/bulk; }}
  }}
}}
"""
