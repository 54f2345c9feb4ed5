# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""One credential by the options of a module, or many by a list of them: the argument spec, and what it refuses."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

LIST = "credentials"
_WORKERS = "parallel"

# What an entry is called in messages: the first of these options that it has.
_NAMES = ("name", "title", "repositories", "application", "client_id")
# The rules of AnsibleModule that an entry obeys, too.
_CONSTRAINTS = ("mutually_exclusive", "required_one_of", "required_by")


def with_many(options: Mapping[str, Any], constraints: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options and constraints of a module for one credential, completed by the list of many.

    What one credential requires is required unless there is a list.
    """
    alone = {
        name: {key: value for key, value in option.items() if key != "required"} for name, option in options.items()
    }
    required = [(name,) for name, option in options.items() if option.get("required")]
    alternatives = [(*names, LIST) for names in [*required, *constraints.get("required_one_of", ())]]
    many = {
        LIST: {"type": "list", "elements": "dict", "options": dict(options), **constraints},
        _WORKERS: {"type": "int", "default": 4},
    }
    return {**alone, **many}, {**constraints, "required_one_of": alternatives}


def label_of(position: int, entry: Any) -> str:
    """An entry of the list in messages. ``position``: counted from 1."""
    return f"credential {position}" + (f" ({name_of(entry)})" if name_of(entry) else "")


def name_of(entry: Any) -> str:
    """What an entry is called; empty if it has no name."""
    values = (entry.get(option) for option in _NAMES) if isinstance(entry, Mapping) else ()
    named = next((value for value in values if value), "")
    return " ".join(map(str, named)) if isinstance(named, (list, tuple)) else str(named)


def problems_of_many(given: Mapping[str, Any], spec: Mapping[str, Any], replaced: Mapping[str, str]) -> list[str]:
    """What is wrong with the list of a task: a sentence for each problem, which names the entry.

    ``given``: the options of the task, without the unset ones. ``spec``: of ``with_many``. ``replaced``: as
    ``run_module`` takes it. AnsibleModule would not say in which entry an error is.
    """
    if given.get(LIST) is None:
        return []
    option = spec[LIST]
    names = {alias: name for name, one in option["options"].items() for alias in (name, *one.get("aliases", ()))}
    both = [name for name, value in given.items() if name in names and value is not None]
    entries = given[LIST] if isinstance(given[LIST], list) else []
    problems = [
        f"{label_of(position, entry)}: {problem}"
        for position, entry in enumerate(entries, 1)
        for problem in _problems_of_entry(entry, option, replaced)
    ]
    if both:
        problems.insert(
            0,
            f"{', '.join(both)} cannot be given together with {LIST}. Put the options of each credential into its "
            f"entry of {LIST}",
        )
    return problems


def secrets_of(given: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[str]:
    """The values of all secret options, those in lists and mappings included.

    AnsibleModule finds none of them if one entry of a list is not a mapping.
    """
    for name, option in spec.items():
        for value in (given.get(alias) for alias in (name, *option.get("aliases", ()))):
            if option.get("no_log") and isinstance(value, str) and value:
                yield value
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, Mapping) and option.get("options"):
                    yield from secrets_of(item, option["options"])


def _problems_of_entry(entry: Any, option: Mapping[str, Any], replaced: Mapping[str, str]) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield "it must be a mapping of options"
        return
    advice = [f"There is no option {name}. {replaced[name]}" for name in replaced if entry.get(name) not in (None, "")]
    if advice:
        yield from advice
        return
    constraints = {key: option[key] for key in _CONSTRAINTS if key in option}
    for error in ArgumentSpecValidator(option["options"], **constraints).validate(dict(entry)).errors.errors:
        text = str(error)
        yield f"unsupported options: {text}".rstrip(".") if isinstance(error, UnsupportedError) else text
