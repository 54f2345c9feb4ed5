# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A login compared with what it is needed for."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Sequence

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.login_needs import Users
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.login_review import (
    PASSWORD,
    TOKEN,
    Login,
    expiry_warning,
    scope_warnings,
)

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
ROBOT = Users(["acme+ci"], 1)


def token(*scopes: str) -> Login:
    return Login(TOKEN, "ann", "uuid", scopes)


@pytest.mark.parametrize(
    ("login", "needed", "missing", "surplus"),
    [
        (token("org:admin"), ["org:admin"], [], []),
        (token("org:admin", "repo:read"), ["user:admin", "org:admin"], ["user:admin"], ["repo:read"]),
        # One scope includes another one.
        (token("repo:admin"), ["repo:read", "repo:write"], [], ["repo:admin"]),
        (token("repo:admin", "repo:read"), ["repo:admin"], [], []),
        # A superuser's token may do without some, if Quay is configured for that.
        (token("super:user"), ["org:admin", "repo:admin", "user:admin"], ["user:admin"], ["super:user"]),
        (Login(TOKEN), ["org:admin"], None, None),
        (Login(PASSWORD, "ann"), ["org:admin"], [], None),
    ],
)
def test_missing_and_needless_scopes(login: Login, needed: Sequence[str], missing: Any, surplus: Any) -> None:
    assert (login.missing(needed), login.surplus(needed)) == (missing, surplus)


def test_warnings_of_scopes() -> None:
    users = {"org:admin": ROBOT, "user:admin": Users(["a", "b", "c"], 9)}
    assert list(scope_warnings(token("org:admin", "super:user", "repo:read"), users)) == [
        "The token of the login lacks the scope user:admin, which these credentials need: a, b, c and 6 more.",
        "The token of the login has more scopes than it needs: super:user. It needs org:admin, user:admin. Issue a "
        "token with these alone, or name those that other tasks use.",
    ]


def test_scopes_of_other_tasks() -> None:
    login, users = token("org:admin", "repo:create"), {"org:admin": ROBOT}
    assert list(scope_warnings(login, users, ["repo:create"])) == []
    assert list(scope_warnings(login, users, ["user:admin"], complete=False)) == [
        "The token of the login lacks the scope user:admin, which other tasks need."
    ]


@pytest.mark.parametrize(
    "login",
    [token("org:admin"), token("org:admin", "repo:read", "user:read"), Login(TOKEN), Login(PASSWORD, "ann")],
)
def test_no_warning(login: Login) -> None:
    """Scopes to read are no danger, and what is not known is not warned of."""
    assert list(scope_warnings(login, {"org:admin": ROBOT})) == []


def test_needless_scopes_are_not_known_if_other_credentials_are_not() -> None:
    assert list(scope_warnings(token("org:admin", "super:user"), {"org:admin": ROBOT}, complete=False)) == []


def test_token_that_nothing_needs() -> None:
    (warning,) = scope_warnings(token("org:admin"), {})
    assert "It needs none." in warning


@pytest.mark.parametrize(
    ("created", "expires", "soon"),
    [
        (-80 * DAY, 14 * DAY, True),
        (-80 * DAY, 14.1 * DAY, False),
        # A third of a short life.
        (-6 * DAY, 3 * DAY, True),
        (-5.9 * DAY, 3.1 * DAY, False),
        (None, 14 * DAY, True),
        (None, 15 * DAY, False),
        (None, -DAY, True),
        (-DAY, None, False),
    ],
)
def test_expiry(created: timedelta | None, expires: timedelta | None, soon: bool) -> None:
    times = {"created_at": created, "expires_at": expires}
    login = Login(TOKEN, **{name: NOW + delta for name, delta in times.items() if delta is not None})  # type: ignore[arg-type]
    assert login.ends_soon(NOW) is soon
    warnings = list(expiry_warning(login, NOW, "Renew it"))
    assert len(warnings) == soon
    if soon and expires == 3 * DAY:
        assert warnings == ["The token of the login expires at 2026-11-25T09:30:00Z. Renew it."]
