# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages of reports in a browser: what they show, filter and sort, and that they ask for nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials import audit_rules
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.audit_info import summary_of
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.audited import API, ROBOT, Audited
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.report import make_report
from ansible_collections.tokensmith.quay.plugins.plugin_utils.audit_page import audit_page
from ansible_collections.tokensmith.quay.plugins.plugin_utils.rotation_page import Facts, rotation_page
from functional.browser import NAMES, Browser, find_chromium

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOSTILE = "</script><img src=x onerror=\"document.title='owned'\"><b>\u202eabc"
ROWS = "[...document.querySelectorAll('tbody tr.row')]"
NAMES_SHOWN = f"{ROWS}.map(row => row.querySelector('td.first div').firstChild.textContent)"
STATUS = "document.querySelector('[role=status]').textContent"


def robot(number: int, **fields: Any) -> Audited:
    used = NOW - timedelta(days=number % 200) if number % 3 else None
    times: dict[str, Any] = {
        "created_at": NOW - timedelta(days=number % 400),
        "age_source": "creation",
        "last_accessed": used,
    }
    return Audited(ROBOT, f"acme+r{number:05}", "acme", "acme", **{**times, **fields})


def token(number: int) -> Audited:
    expires = NOW + timedelta(days=number)
    issued: dict[str, Any] = {"created_at": NOW - timedelta(days=1), "age_source": "quay", "expires_at": expires}
    return Audited(API, f"t{number:05}", "tools", "alice", application="bot", scopes=("org:admin",), **issued)


def page_of(robots: int, tokens: int) -> str:
    items = [*map(robot, range(robots)), *map(token, range(tokens)), robot(0, description=HOSTILE, last_accessed=NOW)]
    params = {name: option["default"] for name, option in audit_rules.POLICY_OPTIONS.items()}
    rules, policy = audit_rules.RULE_NAMES, audit_rules.policy_from_options(params)
    rows = [{**item.public(NOW), "findings": audit_rules.findings_of(item, rules, policy, NOW)} for item in items]
    return audit_page(
        {
            "schema_version": 1,
            "audited_at": "2026-06-01T00:00:00Z",
            "server": "https://quay.example.com",
            "organizations": ["acme", "tools"],
            "rules": rules,
            "policy": params,
            "unchecked": [{"rule": "no_federation", "message": "Set details to include federation"}],
            "problems": [],
            "limits": [],
            "summary": summary_of(rows, rules),
            "credentials": rows,
        }
    )


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = find_chromium()
    if program is None:
        pytest.skip(f"No Chromium is installed ({', '.join(NAMES)}), so the page of the report is not opened")
    with Browser(program, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "audit.html"
    path.write_text(page_of(1000, 200))
    return path


@pytest.fixture
def opened(browser: Browser, page: Path) -> Browser:
    browser.resize(1280, 900)
    browser.open(page.as_uri())
    return browser


def type_into(browser: Browser, selector: str, value: str, event: str = "input") -> None:
    browser.run(
        f"(() => {{ const field = document.querySelector({json.dumps(selector)}); field.value = {json.dumps(value)}; "
        f"field.dispatchEvent(new Event({json.dumps(event)})); }})()"
    )


def test_page_of_1200_credentials_is_small(page: Path) -> None:
    assert page.stat().st_size < 2_000_000


def test_page_asks_for_nothing_and_runs_nothing_else(opened: Browser, page: Path) -> None:
    assert opened.requested == [page.as_uri()]
    assert opened.complaints == []
    assert opened.run("document.title") == "Quay credential audit"
    assert opened.run("document.images.length") == 0
    # The policy holds for whoever gets a text into the page.
    opened.run("document.body.insertAdjacentHTML('beforeend', '<img src=https://evil.example.com/x onerror=alert(1)>')")
    opened.run("new Promise(resolve => setTimeout(resolve, 0))")
    assert any("Content Security Policy" in complaint for complaint in opened.complaints)


def test_rows_are_made_page_by_page(opened: Browser) -> None:
    assert opened.run(STATUS) == "1,201 credentials"
    assert opened.run(f"{ROWS}.length") == 50
    opened.run("[...document.querySelectorAll('nav button')].find(each => each.textContent === 'Next').click()")
    assert opened.run("document.querySelector('nav p').textContent") == "Page 2 of 25"
    type_into(opened, "nav select", "250", "change")
    assert opened.run(f"{ROWS}.length") == 250


def test_search(opened: Browser) -> None:
    type_into(opened, "input[type=search]", "R00017 ACME")
    assert opened.run(NAMES_SHOWN) == ["acme+r00017"]
    assert opened.run(STATUS) == "1 of 1,201 credentials"
    type_into(opened, "input[type=search]", "nothing like this")
    assert opened.run("document.querySelector('tbody').textContent") == "Nothing matches."
    opened.run("document.querySelector('.status button').click()")
    assert opened.run(STATUS) == "1,201 credentials"


def test_filters(opened: Browser) -> None:
    type_into(opened, "select[id$=filter-1]", "=api", "change")
    assert opened.run(STATUS) == "200 of 1,201 credentials"
    type_into(opened, "select[id$=filter-7]", "=expiring", "change")
    assert opened.run(STATUS) == "14 of 1,201 credentials"
    # A bar of a chart selects its rule alone.
    opened.run("document.querySelector('button[data-value=dangerous_scopes]').click()")
    assert opened.run(STATUS) == "200 of 1,201 credentials"
    assert opened.run("document.querySelector('select[id$=filter-1]').value") == "*"


def test_sorting(opened: Browser) -> None:
    def click(label: str) -> list[str]:
        opened.run(f"[...document.querySelectorAll('th button')].find(each => each.textContent === '{label}').click()")
        return list(opened.run(NAMES_SHOWN))

    assert click("Credential")[:2] == ["acme+r00000", "acme+r00000"]
    assert click("Credential")[0] == "t00199"
    assert opened.run("document.querySelector('th[aria-sort]').getAttribute('aria-sort')") == "descending"
    assert click("Age in days")[0] in ("acme+r00399", "acme+r00799")
    # What has no expiry comes last in both directions.
    assert click("Expires")[0] == "t00000"
    assert click("Expires")[0] == "t00199"


def test_details_are_text(opened: Browser) -> None:
    type_into(opened, "input[type=search]", "onerror")
    button = "document.querySelector('td.toggle button')"
    assert opened.run(f"{button}.getAttribute('aria-label')") == "Details of acme+r00000"
    opened.run(f"{button}.click()")
    assert opened.run(f"{button}.getAttribute('aria-expanded')") == "true"
    assert HOSTILE in opened.run("document.querySelector('tr.details').textContent")
    assert opened.run("document.querySelectorAll('tr.details b, tr.details img').length") == 0
    opened.run(f"{button}.click()")
    assert opened.run("document.querySelectorAll('tr.details').length") == 0


def test_all_rows_are_printed(opened: Browser) -> None:
    opened.run("dispatchEvent(new Event('beforeprint'))")
    assert opened.run(f"{ROWS}.length") == 1201
    opened.run("dispatchEvent(new Event('afterprint'))")
    assert opened.run(f"{ROWS}.length") == 50


def test_header_is_printed_on_each_page(opened: Browser) -> None:
    """Chromium repeats the head of a table that must not break, but only its texts: no button."""
    opened.send("Emulation.setEmulatedMedia", media="print")
    style = "getComputedStyle(document.querySelector('thead'))"
    assert opened.run(f"[{style}.display, {style}.breakInside]") == ["table-header-group", "avoid"]
    assert opened.run("getComputedStyle(document.querySelector('tbody tr.row')).breakInside") == "avoid"
    heads = "[...document.querySelectorAll('th:not(.toggle)')]"
    assert opened.run(f"{heads}.map(each => getComputedStyle(each.firstChild).display)") == ["none"] * 7
    shown = opened.run(f"{heads}.map(each => getComputedStyle(each, '::before').content)")
    assert shown == opened.run(f"{heads}.map(each => JSON.stringify(each.textContent))")
    opened.send("Emulation.setEmulatedMedia", media="")


def test_phone(opened: Browser) -> None:
    opened.resize(390, 844, mobile=True)
    assert opened.run("document.documentElement.scrollWidth") == 390
    assert opened.run("getComputedStyle(document.querySelector('tbody tr.row')).display") == "block"
    assert opened.run("getComputedStyle(document.querySelector('[id$=-sort]').parentElement).display") == "block"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(opened: Browser, scheme: str) -> None:
    """Each text on its background has the contrast of WCAG AA, 4.5 to 1."""
    opened.media(prefers_color_scheme=scheme)
    assert opened.run(_CONTRAST) == []
    opened.media(prefers_color_scheme="light")


_CONTRAST = """
(() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const background = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const found = channels(getComputedStyle(each).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const low = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || ["SCRIPT", "STYLE", "OPTION"].includes(node.tagName)) continue;
    if (node.disabled) continue;
    const [one, other] = [channels(getComputedStyle(node).color), background(node)].map(luminance);
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) low.add(`${node.tagName}.${node.className}: ${ratio.toFixed(2)}`);
  }
  return [...low];
})()
"""


def test_page_of_a_rotation(browser: Browser, tmp_path: Path) -> None:
    """Its rows stay in their order until somebody sorts them. A bar of a chart filters the table."""
    status = {"exists": True, "due": True, "reason": "too_old", "message": HOSTILE, "action": "mint", "error": None}
    done = {**status, "kind": "robot", "changed": True, "minted": True, "fingerprint": "00", "window_seconds": 1.5}
    results: list[dict[str, Any]] = [
        {**done, "name": "acme+b", "delivered": ["/etc/b", "n1:/etc/b"]},
        {**done, "name": "acme+c", "error": HOSTILE},
        {**done, "name": "acme+a", "delivered": []},
    ]
    facts = Facts("https://quay.example.com", "localhost", "2026-06-01T00:00:00Z")
    path = tmp_path / "rotation.html"
    path.write_text(rotation_page(make_report(results, results)["rows"], facts))
    browser.open(path.as_uri())
    assert (browser.requested, browser.complaints) == ([path.as_uri()], [])
    shown = f"{NAMES_SHOWN}.slice(0, 3)"
    assert browser.run(shown) == ["acme+c", "acme+b", "acme+a"]
    counts = "[...document.querySelectorAll('[role=status]')].map(each => each.textContent)"
    assert browser.run(counts) == ["3 credentials", "2 deliveries"]
    browser.run("document.querySelector('th button').click()")
    assert browser.run(shown) == ["acme+a", "acme+b", "acme+c"]
    browser.run("document.querySelector('button[data-value=failed]').click()")
    assert browser.run(counts)[0] == "1 of 3 credentials"
    assert HOSTILE in browser.run("document.querySelector('.notice.bad').textContent")


def test_ten_thousand_rows(browser: Browser, tmp_path: Path) -> None:
    """All of them can be searched, and a page of them is in the document."""
    path = tmp_path / "many.html"
    path.write_text(page_of(10_000, 0))
    browser.open(path.as_uri())
    assert browser.run(f"{ROWS}.length") == 50
    type_into(browser, "input[type=search]", "r09999")
    assert browser.run(NAMES_SHOWN) == ["acme+r09999"]
