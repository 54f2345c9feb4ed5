# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Quay that a stage talks to: a stand-in of its own, or the real one that the caller names."""

from __future__ import annotations

import json
import os
import secrets
import ssl
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import environments, places, shell

FAMILIES = ("3.18", "3.17")

# Seconds after which a stand-in that does not answer never will.
PATIENCE = 60


@dataclass(frozen=True)
class Server:
    """A Quay, and a superuser of it."""

    url: str
    username: str
    password: str
    ca_path: str = ""
    # Of a stand-in only: what tests may ask beside Quay's own API.
    control_url: str = ""


def named() -> Server | None:
    """Return the Quay that the caller named."""
    given = named_variables()
    if not given:
        return None
    return Server(
        url=given["QUAY_TEST_URL"],
        username=given["QUAY_TEST_USERNAME"],
        password=given["QUAY_TEST_PASSWORD"],
        ca_path=given.get("QUAY_TEST_CA_PATH", ""),
    )


def named_variables() -> dict[str, str]:
    """Return the variables by which the caller named a Quay, none if there is no URL."""
    if not os.environ.get("QUAY_TEST_URL"):
        return {}
    return {name: value for name, value in os.environ.items() if name.startswith("QUAY_TEST_")}


@contextmanager
def standin(family: str, *, tls: bool = False) -> Iterator[Server]:
    """Run an empty stand-in, and stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="standin-", dir=places.BUILD) as folder:
        ready, output, ca = (Path(folder, name) for name in ("ready.json", "output", "ca.pem"))
        secure = ["--tls", "--ca-out", str(ca)] if tls else []
        command = standin_command("--port", "0", "--family", family, "--ready-file", str(ready), *secure)
        with output.open("w") as file:
            process = subprocess.Popen(command, env=standin_variables(), stdout=file, stderr=file)
        try:
            described = wait_for(ready, process)
            yield Server(
                url=described["url"],
                username="admin",
                password=secrets.token_urlsafe(),
                ca_path=str(ca) if tls else "",
                control_url=described["control_url"],
            )
        finally:
            process.terminate()
            process.wait()


def standin_command(*arguments: str) -> list[str]:
    """Return the command that runs a stand-in."""
    return [str(environments.visitor().bin / "python"), "-m", "standin", *arguments]


def standin_variables() -> dict[str, str]:
    """Return the variables under which a stand-in runs."""
    return environments.visitor().variables(PYTHONPATH=places.TREE / "tests")


def wait_for(ready: Path, process: subprocess.Popen[bytes]) -> Any:
    """Return what a stand-in says about itself once it listens."""
    give_up = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < give_up:
        if ready.is_file():
            return json.loads(ready.read_text())
        time.sleep(0.05)
    raise shell.CommandFailed("The stand-in did not start:\n" + ready.with_name("output").read_text())


def initialize(server: Server) -> str:
    """Make the first user of an empty Quay, a superuser, and return a bearer token of his."""
    account = {"username": server.username, "password": server.password, "email": "admin@quay.example"}
    answer = post(server, "/api/v1/user/initialize", {**account, "access_token": True})
    return str(answer["access_token"])


def post(server: Server, path: str, fields: dict[str, Any], token: str = "") -> Any:
    """Post ``fields`` to ``path`` and return the answer."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(server.url + path, json.dumps(fields).encode(), headers)
    trust = ssl.create_default_context(cafile=server.ca_path or None)
    # A stand-in is on this machine: no proxy is between.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))
    with opener.open(request, timeout=PATIENCE) as answer:
        return json.load(answer)
