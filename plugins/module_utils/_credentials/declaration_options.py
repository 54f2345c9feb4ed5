# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""How the values of a declared credential's options are read, and the options that every kind has. Pure.

Values come from YAML, from the command line and from AWX, so a text can stand for a list, a number or a boolean.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping, Sequence, Tuple

from .._core.errors import BadInput
from .._core.times import parse_duration
from .._stores.kinds import ROLE_STORE_OPTIONS
from .._stores.remote_options import AWX, VAULT_VARS, lacks_username_input, lacks_username_variable

_TRUE = ("yes", "on", "1", "true", "t", "y", "1.0")
_FALSE = ("no", "off", "0", "false", "f", "n", "0.0")
_TYPE_NAMES = {bool: "a boolean", int: "a number", float: "a number", dict: "a mapping", list: "a list", str: "a text"}

# Reads the value of the option with this name. Raises BadInput with a sentence that begins with the name.
Reader = Callable[[Any, str], Any]
# An entry of a list: the options that it has, and those of them that it must have.
Entry = Tuple[Mapping[str, "Option"], Sequence[str]]


@dataclass(frozen=True)
class Option:
    """One option. ``entry``: what the mappings of a list have. ``secret``: whether no output may contain the value."""

    read: Reader
    entry: Entry | None = None
    secret: bool = False


def is_unset(value: Any) -> bool:
    """Whether a value counts as not given. AWX and the shell hand over an empty text for what is left out."""
    return value is None or (isinstance(value, str) and not value.strip())


def type_name(value: Any) -> str:
    """What a value is, without the value: it may be a secret."""
    return next((name for kind, name in _TYPE_NAMES.items() if isinstance(value, kind)), type(value).__name__)


def read_text(value: Any, name: str) -> str:
    if isinstance(value, (dict, list, bool)):
        raise BadInput(f"{name} must be a text, not {type_name(value)}. Write it in quotes")
    return str(value).strip()


def read_secret(value: Any, name: str) -> str:
    """A text that is never repeated in a message."""
    return read_text(value, name)


def read_path(value: Any, name: str) -> str:
    """A path as Ansible reads it: with the home directory and the environment variables of the target."""
    return os.path.expanduser(os.path.expandvars(read_text(value, name)))


def read_bool(value: Any, name: str) -> bool:
    text = str(value).strip().lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise BadInput(f"{name} must be true or false, not {type_name(value)}")


def read_int(value: Any, name: str) -> int:
    try:
        return int(read_text(value, name))
    except ValueError:
        raise BadInput(f"{name} must be a whole number, not {type_name(value)}") from None


def read_raw(value: Any, _name: str) -> Any:
    return value


def read_mapping(value: Any, name: str) -> dict[str, Any]:
    if isinstance(value, str):
        value = _from_json(value)
    if not isinstance(value, dict):
        raise BadInput(f"{name} must be a mapping, not {type_name(value)}")
    return dict(value)


def read_duration(value: Any, name: str) -> str:
    text = read_text(value, name)
    parse_duration(text, name)
    return text


def read_list(value: Any, name: str) -> list[str]:
    """A list of texts. A text is split at commas and line breaks, or read as JSON if it begins with a bracket."""
    if isinstance(value, str):
        parsed = _from_json(value)
        value = parsed if isinstance(parsed, list) else re.split(r"[,\n]", value)
    if isinstance(value, dict):
        raise BadInput(f"{name} must be a list, not a mapping")
    items = value if isinstance(value, list) else [value]
    return [read_text(item, name) for item in items if not is_unset(item)]


def choice(*choices: str) -> Reader:
    def read(value: Any, name: str) -> str:
        text = read_text(value, name)
        if text not in choices:
            raise BadInput(f"{name} must be {_either(choices)}, not '{text}'")
        return text

    return read


def choices_of(*choices: str) -> Reader:
    read_one = choice(*choices)

    def read(value: Any, name: str) -> list[str]:
        return [read_one(item, name) for item in read_list(value, name)]

    return read


def read_entries(value: Any, name: str) -> list[Any]:
    """A list of mappings. What is in them is read by ``read_options``."""
    if isinstance(value, str):
        value = _from_json(value)
    if not isinstance(value, list):
        hint = ". Write a dash before it" if isinstance(value, dict) else ""
        raise BadInput(f"{name} must be a list of mappings, not {type_name(value)}{hint}")
    return value


def read_options(
    given: Mapping[Any, Any], options: Mapping[str, Option], required: Sequence[str], problems: list[str]
) -> dict[str, Any]:
    """The options that are given, converted. What is wrong with the others is added to ``problems``."""
    values: dict[str, Any] = {}
    for key, value in given.items():
        option = options.get(str(key))
        if option is None:
            problems.append(_unknown(str(key), options))
        elif not is_unset(value):
            try:
                values[str(key)] = option.read(value, str(key))
            except BadInput as error:
                problems.append(str(error))
    problems.extend(f"{name} is missing" for name in required if is_unset(given.get(name)))
    return values


def suggestion(name: str, names: Sequence[str]) -> str:
    """The question whether a similar name was meant, with a leading blank; empty if there is none."""
    # Slow to import, and needed only for a message.
    from difflib import get_close_matches

    similar = get_close_matches(name.lower().replace("-", "_"), names, n=1)
    return f" Did you mean {similar[0]}?" if similar else ""


def stores_secret_alone(store: Mapping[str, Any]) -> bool:
    """Whether consumers find no user name in a store: a file in the format token, or names without one."""
    if store.get("kind") == AWX:
        return lacks_username_input(store)
    if store.get("kind") == VAULT_VARS:
        return lacks_username_variable(store)
    return is_bare_token_file(store) or lacks_username_key(store)


def is_bare_token_file(store: Mapping[str, Any]) -> bool:
    """Whether a store is a file in the format token."""
    return store.get("kind") == "file" and (store.get("format") or "token") == "token"


def lacks_username_key(store: Mapping[str, Any]) -> bool:
    """Whether a store writes keys of which none is for the user name: a Secret of Kubernetes, or a secret of Vault."""
    keys = store.get("keys")
    if store.get("kind") not in ("kubernetes_secret", "hashi_vault") or not isinstance(keys, dict) or not keys:
        return False
    return not keys.get("username")


def is_login_of_engine(store: Mapping[str, Any]) -> bool:
    """Whether container engines take the secret as a password: an auth file, or AWX's own type for registries."""
    return store.get("kind") == "container_auth" or (store.get("kind") == AWX and not store.get("inputs"))


def parse_json_list(value: Any) -> Any:
    """The list that a text of JSON holds; any other value as it is."""
    parsed = _from_json(value) if isinstance(value, str) else None
    return parsed if isinstance(parsed, list) else value


def _unknown(name: str, options: Mapping[str, Option]) -> str:
    names = list(options)
    return f"{name} is not an option.{suggestion(name, names) or f' There are: {_listed(names)}'}"


def _from_json(text: str) -> Any:
    """The list or mapping that a text of JSON holds; the text if it holds none."""
    if text.strip()[:1] not in ("[", "{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _either(choices: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(choices[:-1]), choices[-1]]))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(sorted(names))


_READERS: Mapping[str, Reader] = {
    "str": read_text,
    "path": read_path,
    "bool": read_bool,
    "int": read_int,
    "raw": read_raw,
    "list": read_list,
    "dict": read_mapping,
}


def _store_option(spec: Mapping[str, Any]) -> Option:
    """The option of a store, from its argument spec."""
    if "choices" in spec:
        return Option(choice(*spec["choices"]))
    return Option(_READERS[spec["type"]])


STORE: Entry = (
    # A play narrows a store to some of its hosts, and clears one that is no longer used. Modules do neither.
    {
        "hosts": Option(read_text),
        "state": Option(choice("present", "absent")),
        **{name: _store_option(spec) for name, spec in ROLE_STORE_OPTIONS.items()},
    },
    ("kind",),
)

# The options of every kind of credential, in addition to its name and its kind.
COMMON: Mapping[str, Option] = {
    "state": Option(choice("present", "absent")),
    "rotate": Option(choice("when_due", "always", "never")),
    "deliver": Option(read_entries, entry=STORE),
}

# Those of a kind that may be issued for another user than that of the run.
OWN_LOGIN: Mapping[str, Option] = {
    "quay_username": Option(read_text),
    "quay_password": Option(read_secret, secret=True),
}


def check_own_login(options: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the login of a credential."""
    if bool(options.get("quay_username")) != bool(options.get("quay_password")):
        yield "quay_username and quay_password go together; one of them is missing"
