# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What one run of a module works with, and what it returns."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence, TypeVar

from .._core.errors import BadInput
from .._core.parallel import Shared, in_parallel
from .._http.address import credentials_in_url

if TYPE_CHECKING:
    from .._http.client import QuayClient

_Item = TypeVar("_Item")
_Outcome = TypeVar("_Outcome")

# Text alone before the @ of a URL that is at least this long is taken for a token, not for a user name. Quay accepts no
# shorter password.
_MIN_TOKEN_LENGTH = 8
# As Ansible replaces a secret inside of a text.
_MASK = "********"


class LocalContext:
    """One run of a module that sends nothing to Quay: its options, check mode, warnings, values to hide."""

    def __init__(self, params: dict[str, Any], check_mode: bool, warnings: list[str]) -> None:
        self.params = params
        self.check_mode = check_mode
        self.hides_result = True  # whether Ansible shows nothing of the result
        self.hidden: set[str] = set()  # values that Ansible must mask wherever it repeats the arguments
        self.warnings = warnings

    def warn(self, sentence: str) -> None:
        """Add a warning to the result. The same warning appears once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def masked(self, text: str) -> str:
        """The text without the secrets that were given to the run. Ansible does not search packed results for them.

        Shorter values are no secrets, and may be parts of names.
        """
        for secret in self.hidden:
            if len(secret) >= _MIN_TOKEN_LENGTH:
                text = text.replace(secret, _MASK)
        return text

    def hide_login_in(self, address: str) -> bool:
        """Whether a URL holds a user name or password. From now on Ansible masks it in its verbose output."""
        pasted = credentials_in_url(address)
        # A short user name alone is no secret. Masking it would mask it inside of other words, too.
        if pasted and (":" in pasted or len(pasted) >= _MIN_TOKEN_LENGTH):
            self.hidden.add(pasted)
        return pasted is not None

    def refuse_login_in(self, option: str, address: str, reason: str) -> None:
        """Raise BadInput if a URL holds a user name or password. ``reason``: why that is refused."""
        if self.hide_login_in(address):
            raise BadInput(f"{option} must not hold a user name or password: {reason}")


class ModuleContext(LocalContext):
    """One run of a module that talks to Quay: in addition the client and what the server offers."""

    def __init__(self, params: dict[str, Any], check_mode: bool, warnings: list[str], client: QuayClient) -> None:
        # Not at the top: modules on consumer hosts use this file, and need no client.
        from .._http.server import Server

        super().__init__(params, check_mode, warnings)
        self.client = client
        self.server = Server(client)
        self.workers = 1  # how many credentials may be worked on at the same time
        self.shared = Shared()  # what is obtained once for all credentials
        self.login_uuid: str | None = None  # of the token with which the run logs in, if it had to be found out

    def with_params(self, params: dict[str, Any]) -> ModuleContext:
        """The same run with other options: what is known of the server is asked once."""
        other = copy.copy(self)
        other.params = params
        return other

    def each_apart(
        self, function: Callable[[ModuleContext, _Item], _Outcome], items: Sequence[_Item]
    ) -> list[_Outcome]:
        """What ``function`` returns for each item, in their order. As many at the same time as there are ``workers``.

        Each call has a context of its own. The warnings come in the order of the items, whichever is done first.
        """

        def apart(item: _Item) -> tuple[_Outcome, list[str]]:
            own = copy.copy(self)
            own.warnings = []
            return function(own, item), own.warnings

        outcomes = in_parallel(apart, items, self.workers)
        for _outcome, warnings in outcomes:
            for sentence in warnings:
                self.warn(sentence)
        return [outcome for outcome, _warnings in outcomes]


@dataclass(frozen=True)
class Result:
    """What a module returns: ``values`` are its return keys; ``before`` and ``after`` make the diff if they differ."""

    changed: bool
    values: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    # The sentence for people that goes with the reason. It is not a return key.
    message: str | None = field(default=None, compare=False)
    # The hosts of a play because of which less was done than is due. It is not a return key.
    waiting_for: Sequence[str] = field(default=(), compare=False)
    # The present secret, also where no return key has it. It is not a return key.
    secret: str | None = field(default=None, repr=False, compare=False)
    # Of many credentials: the diff of each that differs, instead of ``before`` and ``after``.
    diffs: Sequence[Mapping[str, Any]] = ()
    # The message with which the task fails. What was done for the others is returned nevertheless.
    failure: str = ""
