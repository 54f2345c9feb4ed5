# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Validates all declared credentials at once, and returns them with converted values. Nothing is sent or written.

Every problem names the credential, its position and the option. No problem repeats a secret.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Sequence

from .._core.errors import BadInput
from .._stores.contract import Store
from .._stores.kinds import ROLE_KINDS as STORE_KINDS
from .._stores.kinds import store_from_options
from .._stores.places import NamedPlaces, Place, places_of, shared_places, shown
from .._stores.task_file import KIND as TASKS
from .declaration_options import (
    STORE,
    is_bare_token_file,
    is_login_of_engine,
    is_unset,
    parse_json_list,
    read_entries,
    read_list,
    read_options,
    suggestion,
    type_name,
)
from .kind import Kind
from .kinds import CREDENTIAL, ENTRIES, KINDS, SECRETS, shared_uses, without_effect
from .placement import EVERYWHERE, Placement, store_itself, used_stores

_ABSENT = "absent"
_STORE_SECRETS = {name for kind in STORE_KINDS.values() for name in kind.secrets}
_UNREADABLE = [name for name, kind in STORE_KINDS.items() if not kind.tells_secret]
_MAX_SHOWN_NAME = 80


@dataclass
class Declared:
    """One declared credential: its converted options, its stores, and what is wrong with it."""

    position: int  # in the list, counted from 1
    options: dict[str, Any] = field(default_factory=dict, repr=False)
    stores: list[NamedPlaces] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def name(self) -> str | None:
        return self.options.get("name")

    @property
    def label(self) -> str:
        """The credential in messages."""
        return f"credential {self.position}" + (f" ({self.name[:_MAX_SHOWN_NAME]})" if self.name else "")

    @property
    def public(self) -> dict[str, Any]:
        """The converted options without its login."""
        return {name: value for name, value in self.options.items() if name not in SECRETS}


def read_declarations(
    given: Any, quay_host: str, *, ephemeral: bool = False, placement: Placement = EVERYWHERE
) -> list[Declared]:
    """The declared credentials. Raises BadInput with all problems.

    ``ephemeral``: the files of this target vanish after the run, so that file stores are refused.
    ``placement``: the hosts of the play.
    """
    credentials = [_read_credential(position, entry) for position, entry in enumerate(_entries(given), 1)]
    for declared in credentials:
        _read_stores(declared, quay_host, ephemeral, placement)
    problems = [f"{declared.label}: {problem}" for declared in credentials for problem in declared.problems]
    problems += [*_duplicate_names(credentials), *_shared_places(credentials)]
    if not problems:
        problems = list(shared_uses((declared.label, "", declared.options) for declared in credentials))
    if problems:
        raise BadInput(_message(problems))
    return credentials


def read_force(given: Any, credentials: Sequence[Declared], option: str) -> list[str]:
    """The names of credentials in an option. Raises BadInput for a name that no present credential has."""
    names = [declared.name or "" for declared in credentials]
    # The name of an API token may contain a comma.
    forced = [given.strip()] if isinstance(given, str) and given.strip() in names else []
    forced = forced or ([] if is_unset(given) else list(dict.fromkeys(read_list(given, option))))
    absent = [declared.name for declared in credentials if declared.options.get("state") == _ABSENT]
    problems = [f"'{name}' is not declared.{suggestion(name, names)}" for name in forced if name not in names]
    problems += [f"'{name}' is declared with state: absent" for name in forced if name in absent]
    if problems:
        raise BadInput(f"{option}: {'; '.join(problems)}")
    return forced


def secrets_in(given: Any) -> Iterator[str]:
    """The texts in declarations that may be secrets: the logins, and everything in options that do not exist."""
    entries = parse_json_list(given)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            for key, value in entry.items():
                if key in SECRETS or key not in CREDENTIAL:
                    yield from texts_in(value)
                elif key == "deliver":
                    yield from _secrets_of_stores(value)


def _secrets_of_stores(given: Any) -> Iterator[str]:
    """The same in the stores of one credential."""
    entries = parse_json_list(given)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            for key, value in entry.items():
                if key in _STORE_SECRETS or key not in STORE[0]:
                    yield from texts_in(value)


def texts_in(value: Any) -> Iterator[str]:
    """All texts and numbers in a value, as texts."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    elif not is_unset(value) and not isinstance(value, bool):
        yield str(value)


def _entries(given: Any) -> list[Any]:
    if is_unset(given):
        raise BadInput(
            "No credentials are declared: rotation_credentials is not set or empty. Declare a list of credentials, or "
            "[] if there is nothing to rotate"
        )
    try:
        return read_entries(given, "rotation_credentials")
    except BadInput as error:
        raise BadInput(f"{error}. On the command line, use -e @credentials.yml") from None


def _read_credential(position: int, entry: Any) -> Declared:
    declared = Declared(position)
    if not isinstance(entry, dict):
        declared.problems.append(f"must be a mapping with name, kind and deliver, not {type_name(entry)}")
        return declared
    declared.options = read_options(entry, CREDENTIAL, ("name", "kind"), declared.problems)
    for option, (options, required) in ENTRIES.items():
        if option in declared.options:
            declared.options[option] = list(
                _read_each(option, declared.options[option], options, required, declared.problems)
            )
    kind = KINDS.get(declared.options.get("kind", ""))
    if kind is not None:
        declared.problems += without_effect(kind.name, list(declared.options))
        declared.problems += [f"{name} is missing" for name in kind.required if name not in declared.options]
        declared.problems += [*kind.check(declared.options), *_check_login_of_engines(kind, declared.options)]
    if declared.options.get("state") != _ABSENT:
        declared.problems += _check_deliver(kind, declared.options)
    return declared


def _check_deliver(kind: Kind | None, options: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the stores as a set."""
    stores = [store.get("kind") for _position, store in used_stores(options)]
    if not stores:
        yield "deliver needs at least one store" + (" without state: absent" if options.get("deliver") else "")
    elif not (kind and kind.secret_is_readable) and all(store in _UNREADABLE for store in stores):
        readable = ", ".join(name for name, kind in STORE_KINDS.items() if kind.tells_secret)
        yield (
            "deliver needs a store that can be read back, because Quay returns this secret once and every run would "
            f"issue a new one. Add one of the kinds {readable}"
        )


def _read_each(
    option: str, entries: Sequence[Any], options: Mapping[str, Any], required: Sequence[str], problems: list[str]
) -> Iterator[dict[str, Any]]:
    for position, entry in enumerate(entries, 1):
        found: list[str] = []
        if isinstance(entry, dict):
            yield read_options(entry, options, required, found)
        else:
            found.append(f"must be a mapping with {' and '.join(required)}, not {type_name(entry)}")
        problems.extend(f"entry {position} of {option}: {problem}" for problem in found)


def _check_login_of_engines(kind: Kind, options: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with stores from which engines and nodes take a password, if the secret is none."""
    if kind.is_password:
        return
    for position, store in used_stores(options):
        if is_login_of_engine(store):
            yield (
                f"entry {position} of deliver: {kind.title} is not a password, so container engines cannot use it "
                "from an auth file. Use kind: file"
            )
        if store.get("kind") == "kubernetes_secret" and store.get("secret_type") != "Opaque":
            yield (
                f"entry {position} of deliver: {kind.title} is not a password, so nodes cannot use it from a pull "
                "secret. Use secret_type: Opaque"
            )


def _read_stores(declared: Declared, quay_host: str, ephemeral: bool, placement: Placement) -> None:
    """Add the places of a credential's stores, and the problems of stores that cannot exist."""
    for position, options in enumerate(declared.options.get("deliver", ()), 1):
        label = f"entry {position} of deliver"
        if options.get("kind") not in STORE_KINDS:
            continue
        declared.problems += [f"{label}: {problem}" for problem in _problems_of_hosts(options, placement)]
        try:
            store = store_from_options(store_itself(options), quay_host)
        except BadInput as error:
            declared.problems.append(f"{label}: {error}")
            continue
        on_rotator = placement.host is not None and placement.is_on_rotator(options)
        if on_rotator or placement.concerns(options):
            is_lost = placement.ephemeral_rotator if on_rotator else ephemeral
            declared.problems += [f"{label}: {problem}" for problem in _problems_of_store(options, is_lost)]
        if placement.concerns(options):
            declared.stores.append((label, _places_of(declared, options, store)))


def _places_of(declared: Declared, options: Mapping[str, Any], store: Store) -> list[Place]:
    """The places of a store. A task file may be included for many credentials, each time for one of them."""
    if options["kind"] != TASKS:
        return places_of(store)
    return [Place(f"{store.place} for {declared.name}", store.part)]


def _problems_of_hosts(options: Mapping[str, Any], placement: Placement) -> Iterator[str]:
    kind, pattern = options["kind"], options.get("hosts")
    if pattern is not None and STORE_KINDS[kind].on_rotator:
        yield f"hosts has no effect on a store of the kind {kind}, which is not on a host of the play. Remove it"
    elif pattern is not None and placement.hosts_of(pattern) == []:
        yield f"hosts: no host of the inventory matches '{pattern}'"
    for name in STORE_KINDS[kind].secrets:
        if name in options:
            yield f"{name} is a secret. Set it in rotation_store_logins, for all stores of the kind {kind}"


def _problems_of_store(options: Mapping[str, Any], ephemeral: bool) -> Iterator[str]:
    if options["kind"] == "file" and "prefix" in options and options.get("format") != "env":
        yield "prefix has no effect without format: env. Remove it"
    if is_bare_token_file(options) and "registry" in options:
        yield "registry has no effect with format: token, which stores the secret alone. Remove it"
    kind = STORE_KINDS[options["kind"]]
    if ephemeral and (kind.is_file or not kind.on_rotator):
        yield (
            f"{options['path']} is a file in the container of this AWX job, and is lost when the job ends. Run the "
            "play on the host that needs the file, or set rotation_allow_ephemeral_stores if the directory is a "
            "mounted volume"
        )


def _duplicate_names(credentials: Sequence[Declared]) -> Iterator[str]:
    counts = Counter(declared.name for declared in credentials if declared.name)
    for name, count in counts.items():
        if count > 1:
            positions = [str(declared.position) for declared in credentials if declared.name == name]
            yield f"credentials {' and '.join(positions)} have the same name, {name}. Names must be unique"


def _shared_places(credentials: Sequence[Declared]) -> Iterator[str]:
    """A sentence for each pair of stores that write the same file, or the same part of one."""
    stores = [(f"{declared.label}, {label}", places) for declared in credentials for label, places in declared.stores]
    return (shared_place_problem(first, second, place) for first, second, place in shared_places(stores))


def shared_place_problem(first: str, second: str, place: Place) -> str:
    """The sentence for two stores that write the same place."""
    return (
        f"{first}, and {second}, both write {shown(place)}: each would replace the secret of the other. Use one place "
        "for each credential. If one is absent and the other takes its place, remove deliver from the absent one"
    )


def _message(problems: Sequence[str]) -> str:
    if len(problems) == 1:
        return f"rotation_credentials is not valid: {problems[0]}"
    listed = "; ".join(f"({number}) {problem}" for number, problem in enumerate(problems, 1))
    return f"rotation_credentials is not valid, {len(problems)} problems: {listed}"
