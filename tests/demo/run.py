# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the rotation playbook every night against an embedded stand-in Quay, as a platform team would.

This file starts the server and creates its first user and an organization. The collection does everything else. Each
step asserts what it shows, so the demo is also a test.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import requests

from functional.shown_output import difference_of
from standin import Standin
from tools import places

HERE = Path(__file__).parent
STAGE = places.BUILD / "demo"
CONSUMERS = STAGE / "consumers"
LOG = STAGE / "ansible.log"
REPORT = re.compile(
    r"TASK \[[^\]]*Rotation report[^\]]*\] \**\n(?:ok|changed): \[localhost\] => (\{.*?\n\})", re.DOTALL
)
RECAP = re.compile(r"^localhost +: (.*)$", re.MULTILINE)
# The report of a night that README.md shows.
EXAMPLE = re.compile(r"^```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
DAY = 86400


class DemoFailed(Exception):
    """A step of the demo did not behave as described."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--family", choices=("3.18", "3.17"), default="3.18", help="version of Quay that the stand-in imitates"
    )
    family = parser.parse_args().family
    shutil.rmtree(STAGE, ignore_errors=True)
    CONSUMERS.mkdir(parents=True)
    try:
        with Standin(family=family) as quay:
            play(quay, family)
    except DemoFailed as failure:
        print(f"\n{failure}\nThe complete output of ansible-playbook is in {shown(LOG)}", file=sys.stderr)
        return 1
    return 0


def play(quay: Standin, family: str) -> None:
    """Run all steps."""
    print(f"A stand-in Quay {family} listens at {quay.url}. It contains only the organization acme.")
    login = prepare(quay)
    print(
        "tests/demo/credentials.yml declares three credentials: a robot token for pulls, an OAuth access token, and a\n"
        "registry token for the referrers API. The same playbook runs every night."
    )
    first_night(quay, login)
    later_nights(quay, login, family)
    list_files()


def first_night(quay: Standin, login: dict[str, str]) -> None:
    step(quay, login, "1. Check mode: what would change?", "--check", writes=0)
    expect(not any(CONSUMERS.iterdir()), "check mode wrote a file")
    step(quay, login, "2. First night: create, verify, deliver")
    consume(quay)
    step(quay, login, "3. Second night: nothing is due", writes=0, changed=0)


def later_nights(quay: Standin, login: dict[str, str], family: str) -> None:
    old = {path.name: path.read_bytes() for path in CONSUMERS.iterdir()}
    (CONSUMERS / "ci.env").unlink()
    step(quay, login, "4. ci.env was deleted: delivered again without a new secret")
    expect("acme+ci" in (CONSUMERS / "ci.env").read_text(), "ci.env was not restored")
    quay.clock.advance(81 * DAY)
    step(quay, login, "5. 81 days later, check mode: what is due, and why?", "--check", writes=0)
    lines = step(quay, login, "6. The same night: mint, verify, deliver, then retire")
    if family == "3.18":
        shown = EXAMPLE.search((places.ROOT / "README.md").read_text())
        difference = difference_of(shown[1], "\n".join(lines)) if shown else "the example is missing"
        expect(not difference, f"README.md shows another report. {difference}")
    fresh = {path.name for path in CONSUMERS.iterdir() if path.read_bytes() != old.get(path.name)}
    expect(len(fresh) == len(old), "a credential was not renewed")
    consume(quay)
    step(quay, login, "7. Next night: nothing is due", writes=0, changed=0)


def prepare(quay: Standin) -> dict[str, str]:
    """Create the first user, an organization and a repository, and return their login as environment variables."""
    password = secrets.token_urlsafe()
    account = {"username": "admin", "password": password, "email": "admin@quay.example", "access_token": True}
    token = requests.post(f"{quay.url}/api/v1/user/initialize", json=account, timeout=30).json()["access_token"]
    for path, body in (
        ("/api/v1/organization/", {"name": "acme", "email": "acme@quay.example"}),
        ("/api/v1/repository", {"namespace": "acme", "repository": "app", "visibility": "private", "description": ""}),
    ):
        response = requests.post(quay.url + path, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        expect(response.status_code == 201, f"POST {path} returned the status {response.status_code}")
    login = {"QUAY_HOST": quay.url, "QUAY_USERNAME": "admin", "QUAY_PASSWORD": password}
    ansible(login, str(HERE / "prepare.yml"))
    return login


def step(
    quay: Standin,
    login: dict[str, str],
    title: str,
    *options: str,
    writes: int | None = None,
    changed: int | None = None,
) -> list[str]:
    """Run the playbook once. Print its report, which is returned, and a summary of its requests to Quay."""
    print(f"\n\033[1m{title}\033[0m" if sys.stdout.isatty() else f"\n{title}")
    arguments = ["tokensmith.quay.rotate", "-e", "@credentials.yml", *options]
    print(f"$ ansible-playbook {' '.join(arguments)}")
    check = "--check" in options
    quay.journal.clear()
    output = ansible(login, *arguments, "-e", f"consumers={CONSUMERS}")
    lines = report(output)
    for line in lines:
        print(f"  {line}")
    recap = RECAP.search(output)
    written = [entry for entry in quay.journal if entry.write and not entry.path.endswith("/signin")]
    minted = sum(entry.mint for entry in written)
    print(f"  requests to Quay: {len(quay.journal)}; write requests: {len(written)} ({minted} mint a secret)")
    print(f"  tasks that would change: {changes(recap)}" if check else f"  tasks changed: {changes(recap)}")
    expect(writes is None or len(written) == writes, f"{len(written)} write requests instead of {writes}")
    expect(changed is None or changes(recap) == changed, f"{changes(recap)} changes instead of {changed}")
    return lines


def changes(recap: re.Match[str] | None) -> int:
    """Return the number of changed tasks in the play recap."""
    counted = re.search(r"changed=(\d+)", recap.group(1)) if recap else None
    return int(counted.group(1)) if counted else -1


def ansible(login: dict[str, str], *arguments: str) -> str:
    """Run ansible-playbook in the directory of the demo. Log its output and return it."""
    shutil.copy(HERE / "credentials.yml", STAGE)
    environment = {
        **os.environ,
        **login,
        "ANSIBLE_COLLECTIONS_PATH": str(places.COLLECTIONS),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "NO_PROXY": "127.0.0.1",
    }
    interpreter = ["-e", f"ansible_python_interpreter={sys.executable}"]
    command = [str(Path(sys.executable).parent / "ansible-playbook"), *arguments, *interpreter]
    done = subprocess.run(command, env=environment, cwd=STAGE, capture_output=True, text=True, check=False)
    with LOG.open("a") as log:
        log.write(f"$ ansible-playbook {' '.join(arguments)}\n{done.stdout}{done.stderr}\n")
    if done.returncode:
        raise DemoFailed(f"ansible-playbook failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def report(output: str) -> list[str]:
    """Return the table that the role printed, one line per item."""
    found = REPORT.search(output)
    if found is None:
        raise DemoFailed("The playbook printed no rotation report")
    lines: list[str] = json.loads(found.group(1))["msg"]
    return [line.replace(f"{CONSUMERS}/", "") for line in lines]


def consume(quay: Standin) -> None:
    """Use each delivered credential as its consumer does."""
    for request, accepted in attempts(quay):
        print(f"  {request}: {'accepted' if accepted else 'REJECTED'}")
        expect(accepted, f"{request} was rejected")


def attempts(quay: Standin) -> Iterator[tuple[str, bool]]:
    host = quay.url.split("://")[1]
    auth = json.loads((CONSUMERS / "containers-auth.json").read_text())["auths"][host]["auth"]
    username, _colon, secret = base64.b64decode(auth).decode().partition(":")
    scope = {"service": host, "scope": "repository:acme/app:pull"}
    login = requests.get(f"{quay.url}/v2/auth", params=scope, auth=(username, secret), timeout=30)
    yield "podman login with containers-auth.json", login.status_code == 200
    bearer = {"Authorization": f"Bearer {json.loads((CONSUMERS / 'nightly.json').read_text())['token']}"}
    repository = requests.get(f"{quay.url}/api/v1/repository/acme/app", headers=bearer, timeout=30)
    yield "GET /api/v1/repository/acme/app with nightly.json", repository.status_code == 200
    bearer = {"Authorization": f"Bearer {(CONSUMERS / 'scanner.token').read_text().strip()}"}
    tags = requests.get(f"{quay.url}/v2/acme/app/tags/list", headers=bearer, timeout=30)
    yield "GET /v2/acme/app/tags/list with scanner.token", tags.status_code == 200


def list_files() -> None:
    print("\nFiles to look at")
    for what, path in (
        ("the declarations", HERE / "credentials.yml"),
        ("the playbook", places.ROOT / "playbooks" / "rotate.yml"),
        ("the stores of the consumers (the server no longer exists)", CONSUMERS),
        ("the complete output of ansible-playbook", LOG),
    ):
        print(f"  {shown(path):<34} {what}")


def shown(path: Path) -> str:
    return places.shorten(str(path))


def expect(condition: bool, problem: str) -> None:
    if not condition:
        raise DemoFailed(f"The demo failed: {problem}.")


if __name__ == "__main__":
    sys.exit(main())
