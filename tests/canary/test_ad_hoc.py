# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules run with `ansible`, with the login in the environment."""

from __future__ import annotations

import json
import re

import pytest

from canary.harness import Harness
from canary.search import Trace
from standin.tokens import fingerprint

# Ansible logs its output, too.
_DISPLAYS = ("stdout", "file log/ansible.log")
_TOKEN = re.compile(r'"token": "([^"]+)"')

CALLS = {
    "quay_api": "method=POST path=/api/v1/organization/acme/robots/ci/regenerate token_key=token",
    "quay_api_token": "organization=acme application=automation name=shell",
    "quay_referrers_token": "repositories=acme/app",
    "quay_robot_token": "name=acme+ci rotate=always",
}


@pytest.mark.parametrize("module", CALLS)
def test_secret_for_a_file_is_not_shown(prepared: Harness, module: str) -> None:
    """Also with debug output, which shows arguments and results of modules."""
    path = prepared.stores / "token"
    run = prepared.ad_hoc(module, f"{CALLS[module]} token_path={path}", debug=True)
    assert prepared.leaks(run) == []
    assert run.status == 0, run.failures
    assert f'"fingerprint": "{fingerprint(path.read_text().strip())}"' in run.stdout
    assert prepared.leak_detector.knows(path.read_text().strip())


RETURNING = {
    **CALLS,
    "quay_application": "organization=acme name=shell",
    "quay_store_info": json.dumps({"stores": [{"kind": "file", "path": "{stores}/api.json", "format": "json"}]}),
}


@pytest.mark.parametrize("module", RETURNING)
def test_secret_is_returned_as_token_only(rotated: Harness, module: str, pipelining: bool) -> None:
    run = rotated.ad_hoc(module, RETURNING[module].replace("{stores}", str(rotated.stores)), pipelining=pipelining)
    assert run.status == 0, run.failures
    # In a diff, the same key has the status of the token.
    assert sum(rotated.leak_detector.knows(value) for value in _TOKEN.findall(run.stdout)) == 1
    assert rotated.leaks(run, exclude=without_tokens) == []
    assert rotated.leaks(run)


def without_tokens(trace: Trace) -> Trace:
    return Trace(trace.place, _TOKEN.sub('"token": ""', trace.text)) if trace.place in _DISPLAYS else trace
