# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Quay server of a stage: a stand-in, or the server of QUAY_TEST_URL."""

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
from urllib.parse import urlsplit

from . import environments, places, shell

FAMILIES = ("3.18", "3.17")

# Seconds to wait for a stand-in, to start and to answer.
TIMEOUT = 60


@dataclass(frozen=True)
class Server:
    """A Quay server and the login of a superuser."""

    url: str
    username: str
    password: str
    ca_path: str = ""
    # The control API of a stand-in: its journal, clock and faults.
    control_url: str = ""


def real() -> Server | None:
    """Return the Quay server of QUAY_TEST_URL, None if it is not set."""
    given = real_variables()
    if not given:
        return None
    return Server(
        url=given["QUAY_TEST_URL"],
        username=given["QUAY_TEST_USERNAME"],
        password=given["QUAY_TEST_PASSWORD"],
        ca_path=given.get("QUAY_TEST_CA_PATH", ""),
    )


def real_variables() -> dict[str, str]:
    """Return the QUAY_TEST_* variables, none if there is no URL."""
    if not os.environ.get("QUAY_TEST_URL"):
        return {}
    return {name: value for name, value in os.environ.items() if name.startswith("QUAY_TEST_")}


@contextmanager
def standin(family: str, *, tls: bool = False) -> Iterator[Server]:
    """Run an empty stand-in until the block is left."""
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


@contextmanager
def issuer() -> Iterator[dict[str, Any]]:
    """Run an OIDC issuer until the block is left. Yields how it describes itself, and whether Quay may trust it.

    QUAY_TEST_ISSUER_CERT has a certificate and its key, QUAY_TEST_ISSUER_URL is how Quay reaches the issuer, and
    QUAY_TEST_ISSUER_CA_PATH has the CA for others. Without them, Quay trusts it only if it is a stand-in.
    """
    certificate, url = (os.environ.get(f"QUAY_TEST_ISSUER_{name}", "") for name in ("CERT", "URL"))
    port = urlsplit(url).port or 443 if url else 0
    options = ["--certificate", certificate, "--url", url, "--host", "0.0.0.0"] if certificate else []
    with tempfile.TemporaryDirectory(prefix="issuer-", dir=places.BUILD) as folder:
        ready, output = Path(folder, "ready.json"), Path(folder, "output")
        python = str(environments.highest().bin / "python")
        command = [python, "-m", "oidc_issuer", "--port", str(port), "--ready-file", str(ready), *options]
        with output.open("w") as file:
            process = subprocess.Popen(command, env=standin_variables(), stdout=file, stderr=file)
        try:
            described = wait_for(ready, process)
            ca_path = described["ca_path"] or os.environ.get("QUAY_TEST_ISSUER_CA_PATH", "")
            yield {**described, "ca_path": ca_path, "trusted": bool(certificate)}
        finally:
            process.terminate()
            process.wait()


def standin_command(*arguments: str) -> list[str]:
    """Return the command that runs a stand-in."""
    return [str(environments.highest().bin / "python"), "-m", "standin", *arguments]


def standin_variables() -> dict[str, str]:
    """Return the environment variables of a stand-in."""
    return environments.highest().variables(PYTHONPATH=places.TREE / "tests")


def wait_for(ready: Path, process: subprocess.Popen[bytes]) -> Any:
    """Return the contents of the ready file of a server once it listens."""
    deadline = time.monotonic() + TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        if ready.is_file():
            return json.loads(ready.read_text())
        time.sleep(0.05)
    raise shell.CommandFailed("The server did not start:\n" + ready.with_name("output").read_text())


def initialize(server: Server) -> str:
    """Create the first user of an empty Quay server, a superuser. Return a bearer token of this user."""
    account = {"username": server.username, "password": server.password, "email": "admin@quay.example"}
    response = post(server, "/api/v1/user/initialize", {**account, "access_token": True})
    return str(response["access_token"])


def post(server: Server, path: str, fields: dict[str, Any], token: str = "") -> Any:
    """POST ``fields`` to ``path`` as JSON and return the response."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(server.url + path, json.dumps(fields).encode(), headers)
    trust = ssl.create_default_context(cafile=server.ca_path or None)
    # A stand-in listens on this machine: use no proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))
    with opener.open(request, timeout=TIMEOUT) as response:
        return json.load(response)
