# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter container_auth, as plays use it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from functional.templating import run_play

SECRET = "FILTERSECRET" + "F" * 52
CALL = "tokensmith.quay.container_auth(registry, 'acme+ci', secret)"
ENTRY = {"auth": base64.b64encode(f"acme+ci:{SECRET}".encode()).decode()}
OTHERS: dict[str, Any] = {"auths": {"docker.example.com": {"auth": "YTpi"}}, "currentContext": "default"}


def test_documents_are_made_and_merged(tmp_path: Path) -> None:
    facts = {
        "made": f"{{{{ {{}} | {CALL} }}}}",
        "from_nothing": f"{{{{ none | {CALL} }}}}",
        "merged": f"{{{{ others | {CALL} }}}}",
        "from_text": f"{{{{ text | {CALL} | to_json }}}}",
        "unchanged": "{{ others }}",
    }
    variables = {"registry": "https://quay.example.com:443", "secret": SECRET, "others": OTHERS}
    play = run_play(tmp_path, facts, "-vvv", variables={**variables, "text": json.dumps(OTHERS)})
    assert not play.failed, play.output.replace(SECRET, "SECRET")
    merged = {**OTHERS, "auths": {**OTHERS["auths"], "quay.example.com": ENTRY}}
    made = {"auths": {"quay.example.com": ENTRY}}
    found = {**play.values, "from_text": play.values["from_text"]}
    assert found["made"] == found["from_nothing"] == made
    assert found["merged"] == merged
    assert (json.loads(found["from_text"]) if isinstance(found["from_text"], str) else found["from_text"]) == merged
    assert found["unchanged"] == OTHERS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"secret": f"{SECRET} {SECRET}"}, "container_auth: token holds white space, so it is not a single secret"),
        ({"registry": "a b"}, "container_auth: registry must be a host as in podman login"),
        ({"text": f"{SECRET}"}, "container_auth: the input is not a container auth document"),
    ],
)
def test_refusal_does_not_repeat_the_secret(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    variables = {"registry": "quay.example.com", "secret": SECRET, "text": "", **change}
    play = run_play(tmp_path, {"made": f"{{{{ text | {CALL} }}}}"}, "-vvv", variables=variables)
    assert play.failed
    assert words in " ".join(play.output.split())
    assert SECRET not in play.output


def test_credential_helper_gives_a_warning(tmp_path: Path) -> None:
    document = {**OTHERS, "credHelpers": {"quay.example.com": "pass"}}
    variables = {"registry": "quay.example.com", "secret": SECRET, "document": document}
    play = run_play(tmp_path, {"made": f"{{{{ document | {CALL} }}}}"}, variables=variables)
    assert "the document names the credential helper 'pass'" in " ".join(play.output.split())
    assert play.values["made"]["credHelpers"] == {"quay.example.com": "pass"}
    assert SECRET not in play.output
