# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files a report is written to, and tables as CSV and Markdown."""

from __future__ import annotations

import csv
import io
import posixpath
import re
from typing import Any, Iterator, Sequence

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.declaration_options import (
    is_unset,
    read_list,
)

# The formats of reports, by the ending of the file.
FORMATS = {".html": "html", ".json": "json", ".csv": "csv", ".md": "markdown"}
# Spreadsheets take a cell that begins with one of these for a formula. Two of them also know the full-width signs.
_FORMULA = tuple("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# What Markdown, or HTML in Markdown, gives a meaning.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~&$:@])")


def files_of(given: Any, option: str, name: str, formats: Sequence[str]) -> list[dict[str, str]]:
    """The path, folder and format of each file. ``given``: a path, or a list of paths. ``name``: of files in a folder.

    A path with the ending of a format is a file. Any other one is a folder, which gets a file of each format. Raises
    BadInput.
    """
    paths = [] if is_unset(given) else read_list(given, option)
    files = [file for path in paths for file in _files_at(path, option, name, formats)]
    names = [file["path"] for file in files]
    if len(set(names)) < len(names):
        raise BadInput(f"{option} names a file twice")
    return files


def _files_at(path: str, option: str, name: str, formats: Sequence[str]) -> Iterator[dict[str, str]]:
    if not path.startswith(("/", "~")):
        raise BadInput(f"{option}: '{path}' is not an absolute path")
    ending = posixpath.splitext(path)[1].lower()
    if ending in FORMATS:
        if FORMATS[ending] not in formats:
            known = ", ".join(known for known, of_ending in FORMATS.items() if of_ending in formats)
            raise BadInput(f"{option}: '{path}' has the ending {ending}, and this report is written as {known}")
        yield {"path": path, "folder": posixpath.dirname(path), "format": FORMATS[ending]}
        return
    folder = path.rstrip("/") or "/"
    for known, of_ending in FORMATS.items():
        if of_ending in formats:
            yield {"path": posixpath.join(folder, f"{name}{known}"), "folder": folder, "format": of_ending}


def as_csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as CSV. A cell that a spreadsheet would take for a formula gets an apostrophe in front."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_csv_cell(cell) for cell in row] for row in rows)
    return encodable(text.getvalue())


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = _CONTROL.sub("\ufffd", str(value))
    return f"'{text}" if text.lstrip(" \u00a0\ufeff").startswith(_FORMULA) else text


def as_markdown(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as Markdown."""
    lines = [header, ["---"] * len(header), *([markdown_text(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def markdown_text(value: Any) -> str:
    """A text that Markdown shows as it is, in one line."""
    text = " ".join(_CONTROL.sub("\ufffd", "" if value is None else str(value)).split())
    return encodable(_MARKDOWN.sub(r"\\\1", text))


def encodable(text: str) -> str:
    """The text, with what UTF-8 cannot encode replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")
