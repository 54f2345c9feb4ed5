# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Long lists between an action and its module, each as one text."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.parameters import remove_values

from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import LocalContext, Result
from ansible_collections.tokensmith.quay.plugins.module_utils._module.packing import (
    pack_arguments,
    pack_result,
    unpack_arguments,
    unpack_result,
    with_packed,
)

NAMES = [{"name": "acme+ci"}, {"name": "acme+\u00fcber", "number": 2}]


def test_arguments() -> None:
    packed = pack_arguments({"credentials": NAMES, "force": ["acme+ci"]}, ["credentials"])
    assert isinstance(packed["credentials"], str)
    assert packed["force"] == ["acme+ci"]
    assert unpack_arguments(packed, ["credentials"]) == {"credentials": NAMES, "force": ["acme+ci"]}


@pytest.mark.parametrize("value", [None, "", "no list", "[broken", 3, True])
def test_other_arguments_stay(value: Any) -> None:
    given = {"credentials": value}
    assert pack_arguments(given, ["credentials", "absent"]) == given
    assert unpack_arguments(given, ["credentials", "absent"]) == given


def test_result() -> None:
    (text,) = pack_result({"results": NAMES}).values()
    assert isinstance(text, str)
    assert unpack_result({"changed": True, **pack_result({"results": NAMES})}) == {"changed": True, "results": NAMES}
    assert unpack_result({"failed": True, "msg": "refused"}) == {"failed": True, "msg": "refused"}


@pytest.mark.parametrize("value", ["name", "2", "a", "acme+ci", '"', "packed"])
def test_nothing_of_a_result_is_masked(value: str) -> None:
    """Options of a login can be short: a version, a mount. The action needs to find the names again."""
    assert unpack_result(remove_values(pack_result({"results": NAMES}), [value])) == {"results": NAMES}


def test_action() -> None:
    """The action sees and returns lists; its module does not."""
    seen: list[Any] = []

    def act(context: LocalContext) -> Result:
        seen.append(context.params["credentials"])
        return Result(True, {"results": NAMES, "remaining": []})

    given = {"credentials": '[{"name": "acme+ci"}]'}
    result = with_packed(act, ["credentials"])(LocalContext(given, False, []))
    assert seen == [[{"name": "acme+ci"}]]
    assert result.changed
    assert list(result.values) != ["results", "remaining"]
    assert unpack_result(dict(result.values)) == {"results": NAMES, "remaining": []}
