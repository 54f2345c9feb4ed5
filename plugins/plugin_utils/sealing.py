# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Seals what passes through the variables of a play.

The result of a task is kept in the variables of its hosts until the play ends: templates, callbacks and debuggers see
it. So the secrets that one task issues for another one are encrypted in between. The key is made when this file is
loaded, which is before Ansible forks the processes of the tasks, and it never leaves them.
"""

from __future__ import annotations

import json
from typing import Any

from ansible.errors import AnsibleError

try:
    from cryptography.fernet import Fernet, InvalidToken
except ImportError:  # only where ansible-core lacks its requirements
    _BOX = None
else:
    _BOX = Fernet(Fernet.generate_key())


def seal(value: Any) -> str:
    """A value that JSON can hold, as a text that only this run of Ansible can open."""
    return str(_box().encrypt(json.dumps(value).encode("utf-8")).decode("ascii"))


def unseal(text: str) -> Any:
    """The value. Raises AnsibleError for a text that another run of Ansible sealed."""
    box = _box()
    try:
        return json.loads(box.decrypt(text.encode("ascii")))
    except (InvalidToken, ValueError):
        raise AnsibleError(
            "What the rotation issued for this host cannot be opened, because another process of Ansible sealed it. "
            "Run the play again: it delivers the present secret"
        ) from None


def _box() -> Any:
    if _BOX is None:
        raise AnsibleError("The Python library cryptography is missing. Install ansible-core with its requirements")
    return _BOX
