# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the stand-in in the foreground: `python -m standin --port 8099 --family 3.18`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
from pathlib import Path
from types import FrameType

from .config import FAMILIES
from .cost import Cost
from .server import Standin


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="standin", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8099, help="0 selects a free port")
    parser.add_argument("--family", choices=FAMILIES, default=FAMILIES[0])
    parser.add_argument("--tls", action="store_true", help="use https, with a certificate of a CA created for this run")
    parser.add_argument("--ca-out", type=Path, metavar="FILE", help="file to write the CA certificate to")
    parser.add_argument("--server-hostname", metavar="NAME", help="SERVER_HOSTNAME (default: HOST:PORT)")
    parser.add_argument(
        "--hash-seconds", type=float, default=0, metavar="SECONDS", help="delay for each password hash (default: none)"
    )
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="JSON file, written when the port is open")
    return parser.parse_args()


def _banner(standin: Standin) -> str:
    lines = [
        f"Stand-in Quay {standin.quay.family} on {standin.url}",
        f"  SERVER_HOSTNAME  {standin.config['SERVER_HOSTNAME']}",
        f"  first user       POST {standin.url}/api/v1/user/initialize",
        f"  control          {standin.url}/__standin__/state",
    ]
    if standin.ca_path:
        lines.append(f"  CA certificate   {standin.ca_path}")
    return "\n".join([*lines, "All state is lost at exit. Stop with Ctrl-C."])


def _write_ready_file(standin: Standin, ready_file: Path) -> None:
    """Write the ready file under another name and rename it, so that nobody reads an incomplete file."""
    details = {
        "url": standin.url,
        "control_url": f"{standin.url}/__standin__/",
        "family": standin.quay.family,
        "server_hostname": standin.config["SERVER_HOSTNAME"],
        "ca_path": standin.ca_path,
        "pid": os.getpid(),
    }
    partial = ready_file.with_name(f"{ready_file.name}.partial")
    partial.write_text(json.dumps(details))
    partial.replace(ready_file)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    arguments = _arguments()
    # Set explicitly, because a shell starts background jobs with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    standin = Standin(
        arguments.family,
        tls=arguments.tls,
        host=arguments.host,
        port=arguments.port,
        server_hostname=arguments.server_hostname,
    )
    standin.cost = Cost(arguments.hash_seconds)
    if arguments.ca_out and standin.ca_path:
        shutil.copyfile(standin.ca_path, arguments.ca_out)
    print(_banner(standin), flush=True)
    with contextlib.suppress(KeyboardInterrupt), standin:
        if arguments.ready_file:
            _write_ready_file(standin, arguments.ready_file)
        signal.pause()


if __name__ == "__main__":
    main()
