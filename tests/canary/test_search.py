# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The search: what it must find, and what it must not report."""

from __future__ import annotations

import base64
import html
import json
import shlex
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from canary.controller import contents
from canary.harness import DIFFICULT_PASSWORD
from canary.search import SHORTEST, Fragments, Trace
from standin import tokens

OAUTH = tokens.oauth_token()

ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "its first part": lambda secret: secret[:SHORTEST],
    "its last part": lambda secret: secret[-SHORTEST:],
    "in the middle of a word": lambda secret: f"token={secret},",
    "percent-encoded": lambda secret: quote(secret, safe=""),
    "in a form": lambda secret: urlencode({"password": secret}),
    "in JSON": lambda secret: json.dumps({"password": secret}),
    "in JSON within JSON": lambda secret: json.dumps(json.dumps({"password": secret})),
    "as Python writes it": lambda secret: repr({"password": secret}),
    "quoted for a shell": shlex.quote,
    "in HTML": html.escape,
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in base64 behind a name": lambda secret: base64.b64encode(f"alice:{secret}".encode()).decode(),
    "in base64 behind another name": lambda secret: base64.b64encode(f"acme+ci:{secret}\n".encode()).decode(),
    "in base64 behind one more name": lambda secret: base64.b64encode(f"$oauthtoken:{secret}".encode()).decode(),
    "in base64 for an address": lambda secret: base64.urlsafe_b64encode(f"bob:{secret}".encode()).decode(),
}


@pytest.mark.parametrize("secret", [OAUTH, DIFFICULT_PASSWORD], ids=["token", "difficult password"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encoded_secret_is_found(secret: str, encoding: str) -> None:
    fragments = Fragments()
    fragments.add(secret)
    leaks = list(fragments.leaks(Trace("stdout", f"first line\nmsg: {ENCODINGS[encoding](secret)}\nlast line")))
    assert [(leak.place, leak.line) for leak in leaks] == [("stdout", 2)]


@pytest.mark.parametrize("part", range(3), ids=["header", "claims", "signature"])
def test_part_of_a_jwt_is_found(part: int) -> None:
    parts = [tokens.random_string(length, tokens.MIXED) for length in (90, 400, 342)]
    fragments = Fragments()
    fragments.add(".".join(parts))
    assert list(fragments.leaks(Trace("log", parts[part])))


def test_what_is_no_secret_is_not_found() -> None:
    fragments = Fragments()
    fragments.add(OAUTH)
    harmless = [tokens.fingerprint(OAUTH), tokens.digest(OAUTH), OAUTH[:4], OAUTH[::-1], tokens.oauth_token()]
    assert list(fragments.leaks(Trace("log", " ".join(harmless)))) == []


def test_leak_is_reported_without_the_secret() -> None:
    fragments = Fragments()
    fragments.add(OAUTH)
    (leak,) = fragments.leaks(Trace("stdout", f'one\ntwo\n  "msg": "{OAUTH}"'))
    assert str(leak) == 'stdout, line 3:   "msg": "•••'


def test_word_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        Fragments().add("password")


def test_archive_is_searched(tmp_path: Path) -> None:
    path = tmp_path / "module.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arguments", OAUTH)
    fragments = Fragments()
    fragments.add(OAUTH)
    assert [leak.place for trace in contents(path, "file") for leak in fragments.leaks(trace)] == ["file (arguments)"]
