# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The kinds of credentials, and all options that a declaration can have."""

from __future__ import annotations

from typing import Any, Hashable, Iterable, Iterator, Mapping, Sequence

from .._core.errors import BadInput
from .api_kind import API
from .app_kind import APP
from .client_secret_kind import CLIENT_SECRET
from .declaration_options import COMMON, Entry, Option, choice, read_text
from .federated_kind import FEDERATED
from .kind import Kind
from .referrers_kind import REFERRERS
from .robot_kind import ROBOT
from .robot_lease_kind import ROBOT_LEASE

# Each kind by its name in a play, in the order of messages. A new kind is a new file in this folder, its import above,
# and its name here.
_IN_ORDER = (API, APP, CLIENT_SECRET, ROBOT, ROBOT_LEASE, REFERRERS, FEDERATED)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _IN_ORDER}

# The order in which they are observed and listed: API tokens come after robot accounts.
ORDER: Sequence[Kind] = tuple(reversed(list(KINDS.values())))
# The kinds that Quay lists.
LISTED: Sequence[str] = [kind.name for kind in ORDER if kind.is_listed]
# Those of them that it lists for an organization.
LISTED_OF_ORGANIZATION: Sequence[str] = [name for name in LISTED if not KINDS[name].belongs_to_user]


def _all_options() -> dict[str, Option]:
    merged = {"name": Option(read_text), "kind": Option(choice(*KINDS)), **COMMON}
    for kind in KINDS.values():
        for name, option in kind.options.items():
            merged.setdefault(name, option)
    return merged


# The options of a declared credential, of whatever kind.
CREDENTIAL: Mapping[str, Option] = _all_options()
# What the entries of its lists of mappings have.
ENTRIES: Mapping[str, Entry] = {name: option.entry for name, option in CREDENTIAL.items() if option.entry is not None}
SECRETS: Sequence[str] = [name for name, option in CREDENTIAL.items() if option.secret]


def effective_options(kind: str) -> set[str]:
    """The options that have an effect on a credential of this kind."""
    return {"name", "kind", *COMMON, *KINDS[kind].options}


def without_effect(kind: str, names: Sequence[str]) -> Iterator[str]:
    """A sentence for each option that has no effect on a credential of this kind."""
    effective = effective_options(kind)
    for name in names:
        if name not in effective:
            instead = KINDS[kind].instead.get(name, "Remove it")
            yield f"{name} has no effect on a credential of the kind {kind}. {instead}"


def shared_uses(credentials: Iterable[tuple[str, str, Mapping[str, Any]]]) -> Iterator[str]:
    """A sentence for each thing in Quay that two declarations would change.

    ``credentials``: the words for each in messages, its server, and its options. What is wrong with them is a sentence,
    too.
    """
    owners: dict[tuple[str, Hashable], str] = {}
    for label, server, options in credentials:
        try:
            uses = list(KINDS[options["kind"]].uses(options))
        except BadInput as error:
            yield f"{label}: {error}"
            continue
        for used in uses:
            owner = owners.setdefault((server, used), label)
            if owner != label:
                yield f"{label} and {owner} both use {used}. Declare it once"
