# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages that the code can print: all its texts, with an ellipsis for each value that is put into them.

Documentation is no message: neither that of a module nor a docstring, nor a comment or the metadata of a role.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

from . import collection

ELLIPSIS = "…"
_DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
_PLACEHOLDER = re.compile(r"\{[a-z_0-9]*\}")


@functools.cache
def texts() -> tuple[str, ...]:
    """The texts in the Python code of the plugins, and each file of the role and the playbooks as one text."""
    sources = [path for path in collection.PLUGINS.rglob("*.py") if "doc_fragments" not in path.parts]
    found = [text for path in sources for text in _texts_of(ast.parse(path.read_text()))]
    folders = [*(collection.ROOT / "roles").glob("*/*"), collection.ROOT / "playbooks"]
    plays = [path for folder in folders if folder.name != "meta" for path in folder.rglob("*.yml")]
    return (*found, *map(_text_of_play, plays))


def is_printed(message: str) -> bool:
    """Whether the code has a text with these words in this order. An ellipsis stands for any words."""
    pattern = ".*".join(re.escape(part.strip()) for part in message.split(ELLIPSIS) if part.strip())
    return any(re.search(pattern, text) for text in texts())


def _text_of_play(path: Path) -> str:
    return " ".join(
        " ".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")).split()
    )


def _texts_of(tree: ast.Module) -> Iterator[str]:
    ignored = {id(node) for node in _documentation_in(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            ignored |= {id(part) for part in node.values}
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else ELLIPSIS for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in ignored:
            yield _PLACEHOLDER.sub(ELLIPSIS, node.value)


def _documentation_in(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else ()
        is_documentation = any(getattr(target, "id", "") in _DOCUMENTATION for target in targets)
        if isinstance(node, ast.Expr) or (isinstance(node, ast.Assign) and is_documentation):
            yield node.value
