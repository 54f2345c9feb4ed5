# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules called from a shell, with the login in the environment."""

from __future__ import annotations

import json
import re

import pytest

from canary.search import Trace
from canary.world import World
from standin.tokens import fingerprint

# What Ansible displays it also logs.
_DISPLAYS = ("stdout", "file log/ansible.log")
_TOKEN = re.compile(r'"token": "([^"]+)"')

CALLS = {
    "quay_api": "method=POST path=/api/v1/organization/acme/robots/ci/regenerate token_key=token",
    "quay_api_token": "organization=acme application=automation name=shell",
    "quay_referrers_token": "repositories=acme/app",
    "quay_robot_token": "name=acme+ci rotate=always",
}


@pytest.mark.parametrize("module", CALLS)
def test_secret_for_a_file_is_shown_nowhere(settled: World, module: str) -> None:
    """Not even when Ansible is debugged, and shows all that modules are given and answer."""
    path = settled.stores / "token"
    run = settled.ad_hoc(module, f"{CALLS[module]} token_path={path}", debug=True)
    assert settled.leaks(run) == []
    assert run.status == 0, run.failures
    assert f'"fingerprint": "{fingerprint(path.read_text().strip())}"' in run.stdout
    assert settled.ledger.knows(path.read_text().strip())


RETURNING = {
    **CALLS,
    "quay_application": "organization=acme name=shell",
    "quay_store_info": json.dumps({"stores": [{"kind": "file", "path": "{stores}/api.json", "format": "json"}]}),
}


@pytest.mark.parametrize("module", RETURNING)
def test_secret_is_returned_as_token_only(rotated: World, module: str, pipelining: bool) -> None:
    run = rotated.ad_hoc(module, RETURNING[module].replace("{stores}", str(rotated.stores)), pipelining=pipelining)
    assert run.status == 0, run.failures
    # In a diff, the same key says what became of the token.
    assert sum(rotated.ledger.knows(value) for value in _TOKEN.findall(run.stdout)) == 1
    assert rotated.leaks(run, but=without_tokens) == []
    assert rotated.leaks(run)


def without_tokens(trace: Trace) -> Trace:
    return Trace(trace.place, _TOKEN.sub('"token": ""', trace.text)) if trace.place in _DISPLAYS else trace
