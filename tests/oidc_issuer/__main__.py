# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the issuer in the foreground, for tests in other processes: `python -m oidc_issuer --ready-file FILE`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import signal
from pathlib import Path
from types import FrameType

from .issuer import Client, Job, OidcIssuer

_SUBJECT = "repo:acme/app:ref:refs/heads/main"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="oidc_issuer", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 selects a free port")
    parser.add_argument("--url", help="how others reach it (default: https://HOST:PORT)")
    parser.add_argument(
        "--certificate", type=Path, metavar="FILE", help="certificate and key in PEM form (default: of a new CA)"
    )
    parser.add_argument("--ready-file", type=Path, metavar="FILE", required=True, help="JSON file with all of it")
    return parser.parse_args()


def _write_ready_file(issuer: OidcIssuer, ready_file: Path) -> None:
    """Describe the issuer, one client and one job. Only the user may read it, because it has their secrets."""
    client = Client("integration", secrets.token_urlsafe(), _SUBJECT)
    job = Job(secrets.token_urlsafe(), _SUBJECT)
    issuer.clients[client.client_id] = client
    details = {
        "url": issuer.url,
        "ca_path": issuer.ca_path,
        "subject": _SUBJECT,
        "client_id": client.client_id,
        "client_secret": client.secret,
        "job_environment": issuer.job_environment(job),
    }
    partial = ready_file.with_name(f"{ready_file.name}.partial")
    with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        json.dump(details, file)
    partial.replace(ready_file)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    arguments = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    issuer = OidcIssuer(host=arguments.host, port=arguments.port, url=arguments.url, certificate=arguments.certificate)
    with contextlib.suppress(KeyboardInterrupt), issuer:
        _write_ready_file(issuer, arguments.ready_file)
        signal.pause()


if __name__ == "__main__":
    main()
