# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What passes through the variables of a play is sealed: only the same run of Ansible can open it."""

from __future__ import annotations

import base64
import importlib.util
import os
import subprocess
import sys
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.tokensmith.quay.plugins.plugin_utils import sealing
from ansible_collections.tokensmith.quay.plugins.plugin_utils.sealing import seal, unseal
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import SECRET

VALUE: Any = [{"host": "a", "token": SECRET, "entry": 0, "uuid": None}]


def test_sealed_value_does_not_show_its_secret() -> None:
    sealed = seal(VALUE)
    assert unseal(sealed) == VALUE
    for text in (sealed, repr(base64.urlsafe_b64decode(sealed))):
        assert SECRET not in text
        assert SECRET[:6] not in text
    assert seal(VALUE) != sealed


def test_another_process_cannot_open_it() -> None:
    specification = importlib.util.spec_from_file_location("other_sealing", str(sealing.__file__))
    assert specification is not None
    assert specification.loader is not None
    other = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(other)
    with pytest.raises(AnsibleError) as error:
        other.unseal(seal(VALUE))
    assert "Run the play again: it delivers the present secret" in str(error.value)
    assert SECRET not in str(error.value)


def test_process_of_a_task_can_open_it() -> None:
    """Ansible forks a process for each task after the plugin was loaded."""
    sealed = seal(VALUE)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"opened" if unseal(sealed) == VALUE else b"other")
        os._exit(0)
    os.close(writing)
    assert os.waitpid(child, 0)[1] == 0
    with os.fdopen(reading) as pipe:
        assert pipe.read() == "opened"


@pytest.mark.parametrize(
    "change", [lambda text: text[:-4] + "AAA=", lambda text: text[:20], lambda _text: "", lambda _text: "é"]
)
def test_changed_text_is_refused(change: Any) -> None:
    with pytest.raises(AnsibleError, match="cannot be opened"):
        unseal(change(seal(VALUE)))


def test_key_is_not_in_the_environment_or_a_file() -> None:
    """A program that the run starts does not get it."""
    code = "import os, sys; sys.stdout.write(repr(dict(os.environ)))"
    output = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout.decode()
    box: Any = sealing._BOX
    key = base64.urlsafe_b64encode(box._signing_key + box._encryption_key).decode()
    assert key not in output
