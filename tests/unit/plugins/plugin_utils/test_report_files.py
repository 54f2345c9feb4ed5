# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a report, and tables as CSV and Markdown."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.plugin_utils.report_files import (
    as_csv,
    as_markdown,
    files_of,
    markdown_text,
)

ALL = ("html", "json", "csv", "markdown")


def paths(given: Any) -> list[str]:
    return [file["path"] for file in files_of(given, "audit_report_path", "audit", ALL)]


@pytest.mark.parametrize("given", [None, "", " ", []])
def test_no_files(given: Any) -> None:
    assert paths(given) == []


@pytest.mark.parametrize("folder", ["/var/reports", "/var/reports/", "/var/quay.example.com"])
def test_folder(folder: str) -> None:
    name = folder.rstrip("/")
    assert paths(folder) == [f"{name}/audit{ending}" for ending in (".html", ".json", ".csv", ".md")]


def test_files() -> None:
    assert files_of(["/srv/a.HTML", "~/b.md"], "path", "audit", ALL) == [
        {"path": "/srv/a.HTML", "folder": "/srv", "format": "html"},
        {"path": "~/b.md", "folder": "~", "format": "markdown"},
    ]
    assert paths("/srv/a.json, /srv/b.csv") == ["/srv/a.json", "/srv/b.csv"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("reports", "audit_report_path: 'reports' is not an absolute path"),
        (["/srv", "/srv/audit.md"], "audit_report_path names a file twice"),
        ({"html": "/srv"}, "audit_report_path must be"),
    ],
)
def test_refused(given: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        paths(given)


def test_report_without_a_format() -> None:
    with pytest.raises(BadInput, match="has the ending .csv, and this report is written as .html, .json"):
        files_of("/srv/a.csv", "rotation_report_path", "rotation", ("html", "json"))
    found = files_of("/srv", "rotation_report_path", "rotation", ("html", "json"))
    assert [file["format"] for file in found] == ["html", "json"]


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\uff1d1", "|calc", "%0a"]


@pytest.mark.parametrize("text", FORMULAS)
def test_csv_has_no_formulas(text: str) -> None:
    (row,) = list(csv.reader(io.StringIO(as_csv([text], []), newline="")))
    assert row == [text]
    _header, row = csv.reader(io.StringIO(as_csv(["name"], [[text]]), newline=""))
    assert row[0] == f"'{text}"


def test_csv_cells() -> None:
    text = as_csv(["a", "b", "c", "d"], [[None, True, 12, 'x "y", z']])
    assert text == '"a","b","c","d"\r\n"","true","12","x ""y"", z"\r\n'
    assert as_csv(["a"], [["acme+ci"], ["\x00\x1b[31m"], ["\ud800"]]) == (
        '"a"\r\n"acme+ci"\r\n"\ufffd\ufffd[31m"\r\n"?"\r\n'
    )


def test_markdown() -> None:
    text = as_markdown(["Name", "Age"], [["a|b\n<b> `x` [y](z) *k*", 3], [None, 0]])
    assert text == ("| Name | Age |\n| --- | --- |\n| a\\|b \\<b\\> \\`x\\` \\[y\\]\\(z\\) \\*k\\* | 3 |\n|  | 0 |\n")
    assert markdown_text("https://x.example.com/ @all") == "https\\://x.example.com/ \\@all"
