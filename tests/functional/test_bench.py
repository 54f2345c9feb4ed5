# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The measurements of make bench: what they count and print. No time is asserted."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench import all_due, fleet, launcher, measure, module_call, nothing_due, other_collection, quay, table
from bench.__main__ import SCENARIOS, arguments, conditions
from bench.workspace import Workspace
from standin.cost import Cost

FREE = Cost()


@pytest.fixture(autouse=True)
def no_real_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUAY_TEST_URL", raising=False)


def rows_of(text: str) -> list[list[str]]:
    """The cells of a table below its title: two blanks are between columns."""
    lines = text.splitlines()[2:]
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]


@pytest.mark.slow
def test_nothing_due_costs_one_request_and_a_line_for_each_robot(tmp_path: Path) -> None:
    with quay.serve(FREE) as server:
        text = nothing_due.measure(Workspace(tmp_path, server), (1, 3))
        assert server.standin
        assert not server.standin.state.robots
    heading, ping, one, three = rows_of(text)
    assert text.splitlines()[0] == "Nothing due: the role, against a play with one ansible.builtin.ping"
    assert heading == list(nothing_due.HEADING)
    assert [row[0] for row in (ping, one, three)] == ["ping", "1 robot", "3 robots"]
    assert ping[1] == "1"
    assert one[1] == three[1]
    assert int(three[2]) - int(one[2]) == 2
    assert [row[3] for row in (ping, one, three)] == ["-", "1", "1"]
    assert ping[-2:] == ["1.0 x", "1.0 x"]
    assert list(tmp_path.glob("stores")) == []


@pytest.mark.slow
def test_bare_http_mints_and_verifies_each_robot(tmp_path: Path) -> None:
    with quay.serve(FREE) as server:
        text = all_due.measure(Workspace(tmp_path, server), (2,))
    _heading, bare, role = rows_of(text)
    assert bare[:2] == ["bare HTTP, 2 robots", "4"]
    assert role[0] == "role, 2 robots"
    assert int(role[1]) >= 4
    assert bare[-1] == "1.0 x"


@pytest.mark.slow
def test_parts_of_a_call_are_named_and_add_up(tmp_path: Path) -> None:
    with quay.serve(FREE) as server:
        text = module_call.measure(Workspace(tmp_path, server))
    _heading, _ping, _call, more, *parts = rows_of(text)
    names = [row[0] for row in parts]
    imports = {f"import of {name}" for name in ("the collection", "requests", "Python")}
    assert set(names[:3]) == imports
    assert names[3:] == ["requests (1)", "rest: packing and sending the module, options, store"]
    # Each is rounded.
    assert sum(float(row[1]) for row in parts) == pytest.approx(float(more[1]), abs=0.05)


@pytest.mark.slow
def test_robot_is_delivered_to_every_host(tmp_path: Path) -> None:
    with quay.serve(FREE) as server:
        text = fleet.measure(Workspace(tmp_path, server), (2,))
    _heading, copied, role = rows_of(text)
    assert copied[:3] == ["copy to 2 hosts", "1", "-"]
    assert role[0] == "role for 2 hosts"
    assert int(role[2]) > 0
    tokens = {json.loads(path.read_text())["token"] for path in tmp_path.glob("hosts2/*/robot.json")}
    assert len(list(tmp_path.glob("hosts2/*/robot.json"))) == 2
    assert len(tokens) == 1


def test_without_the_other_collection_the_table_says_so(tmp_path: Path) -> None:
    with quay.serve(FREE) as server:
        text = other_collection.measure(Workspace(tmp_path, server), (1,))
    assert text.splitlines()[-1] == "not installed: no ansible_collections.infra.quay_configuration on PYTHONPATH"


def test_conditions_name_the_cost_of_the_standin() -> None:
    with quay.serve(Cost(0.175, workers=3)) as server:
        text = conditions(server)
    assert "a stand-in Quay 3.18 on this machine, 3 workers, 175 ms for a password hash" in text
    assert str(server.token) not in text


def test_measurement_counts_tasks_and_lines(tmp_path: Path) -> None:
    program = "print('TASK [first] ***'); print('ok: [localhost]'); print('RUNNING HANDLER [second] ***')"
    measured = measure.run([sys.executable, "-c", program], {}, tmp_path)
    assert (measured.task_lines, measured.output_lines) == (2, 3)
    assert measured.peak_memory > 1024
    assert measured.wall_seconds > 0


def test_failed_command_is_reported_with_its_output(tmp_path: Path) -> None:
    program = "import sys; print('the reason'); sys.exit(3)"
    with pytest.raises(measure.CommandFailed, match="status 3:\nthe reason"):
        measure.run([sys.executable, "-c", program], {}, tmp_path)


def test_launcher_returns_the_status_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = tmp_path / "usage.json"
    monkeypatch.setattr(sys, "argv", ["launcher.py", str(usage), sys.executable, "-c", "raise SystemExit(5)"])
    assert launcher.main() == 5
    assert json.loads(usage.read_text()).keys() == {"wall_seconds", "cpu_seconds", "peak_memory"}


def test_table_aligns_its_columns() -> None:
    rows: list[list[table.Cell]] = [["a", 1234, 1.25], ["long name", None, 123.4]]
    assert table.render("Title", ("run", "count", "s"), rows).splitlines() == [
        "Title",
        "",
        "run        count     s",
        "a          1,234  1.25",
        "long name      -   123",
    ]


def test_scenarios_and_counts_are_options() -> None:
    given = arguments(["nothing-due", "--count", "1", "3"])
    assert (given.scenarios, given.count) == (["nothing-due"], [1, 3])
    assert arguments([]).scenarios == []


def test_unknown_scenario_is_refused_with_all_names(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["nothing"])
    message = capsys.readouterr().err
    assert "unknown scenario nothing" in message
    assert ", ".join(SCENARIOS) in message
