# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.
"""Variables in a YAML text, replaced where they stand: comments, order and all other variables are kept. Pure."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any, Mapping

_ENTANGLED = "cannot be changed without changing other variables. Write one variable on each line"


class Unchangeable(Exception):
    """Why a text cannot be changed, as the end of a sentence."""


class YamlVariables:
    """The top-level variables of a YAML text. ``yaml``: the library."""

    def __init__(self, yaml: ModuleType, text: str) -> None:
        """Raises Unchangeable for a text that is no mapping."""
        self._yaml: Any = yaml
        self.text = text
        self._pairs = self._compose(text)

    def get(self, name: str) -> str | None:
        """The value of a variable as text; None if it is missing or no scalar."""
        value = self._pairs.get(name)
        return str(value[1].value) if value is not None and isinstance(value[1], self._yaml.ScalarNode) else None

    def __contains__(self, name: str) -> bool:
        return name in self._pairs

    def changed(self, values: Mapping[str, str | None]) -> str:
        """The text with these values; None removes a variable. Raises Unchangeable if anything else would change."""
        text = self.text
        present = [name for name in values if name in self._pairs]
        # From the end, so that the positions of the others stay.
        for name in sorted(present, key=lambda name: -self._pairs[name][0].start_mark.index):
            text = self._replaced(text, name, values[name])
        for name, value in values.items():
            if name not in self._pairs and value is not None:
                text = text + ("" if not text or text.endswith("\n") else "\n") + f"{name}: {json.dumps(value)}\n"
        self._confirm(text, values)
        return text

    def _replaced(self, text: str, name: str, value: str | None) -> str:
        key, node = self._pairs[name]
        begin, end = node.start_mark.index, node.end_mark.index
        if value is None:
            begin = text.rfind("\n", 0, key.start_mark.index) + 1
            line_end = text.find("\n", max(end - 1, begin))
            return text[:begin] + (text[line_end + 1 :] if line_end >= 0 else "")
        new = json.dumps(value)
        former = text[begin:end]
        before = " " if begin == end else ""
        # What ends a block scalar is the line break, and blank lines that may follow it.
        after = former[len(former.rstrip()) :] if former != former.rstrip() else ""
        return text[:begin] + before + new + after + text[end:]

    def _confirm(self, text: str, values: Mapping[str, str | None]) -> None:
        try:
            result = YamlVariables(self._yaml, text)
        except Unchangeable:
            raise Unchangeable(_ENTANGLED) from None
        expected = {name: value for name, value in values.items() if value is not None}
        others = {name: self._yaml.serialize(pair[1]) for name, pair in self._pairs.items() if name not in values}
        kept = {name: self._yaml.serialize(pair[1]) for name, pair in result._pairs.items() if name not in values}
        found = {name: result.get(name) for name in values if name in result}
        if found != expected or kept != others or list(kept) != list(others):
            raise Unchangeable(_ENTANGLED)

    def _compose(self, text: str) -> dict[str, tuple[Any, Any]]:
        try:
            node = self._yaml.compose(text, Loader=self._yaml.SafeLoader)
        except self._yaml.YAMLError:
            node = ""
        if node is None:
            return {}
        if not isinstance(node, self._yaml.MappingNode):
            raise Unchangeable("is not a YAML file of variables, one mapping")
        names = [str(key.value) for key, _value in node.value]
        if len(set(names)) != len(names):
            raise Unchangeable("defines a variable twice")
        return dict(zip(names, node.value))
