# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runner of modules, with an AnsibleModule that records what it is given."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Callable, ClassVar

import pytest
from ansible.module_utils import basic
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import ApiError
from ansible_collections.tokensmith.quay.plugins.module_utils._module import connection, runner
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import (
    LocalContext,
    ModuleContext,
    Result,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.local_runner import run_local_module
from ansible_collections.tokensmith.quay.plugins.module_utils._module.options import CONNECTION_OPTIONS
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import ORIGIN, FakeQuay, error, ok

SECRET = "s3cret"
# As AnsibleModule returns them for a play that sets the host and a token.
PARAMS: dict[str, Any] = {
    "quay_host": ORIGIN,
    "quay_token": "t0ken",
    "quay_username": None,
    "quay_password": None,
    "validate_certs": True,
    "ca_path": None,
    "timeout": 10.0,
    "retries": 3,
    "name": "x",
}
USER = {"quay_token": None, "quay_username": "ann", "quay_password": SECRET}


class Exit(BaseException):
    """The end of a module's process."""


class FakeModule:
    """The methods of AnsibleModule that a run uses. It ends with Exit, as the real one does with SystemExit."""

    given: ClassVar[dict[str, Any]] = PARAMS
    check_mode = False
    no_log = False
    runs: ClassVar[list[FakeModule]] = []

    def __init__(self, argument_spec: dict[str, Any], supports_check_mode: bool, **constraints: Any) -> None:
        self.check_mode = FakeModule.check_mode
        self.no_log = FakeModule.no_log
        self.argument_spec = argument_spec
        self.supports_check_mode = supports_check_mode
        self.constraints = constraints
        self.params: dict[str, Any] = {}
        self._load_params()
        self.params = {**dict.fromkeys(PARAMS), **self.params}  # options that are not set are None
        self.no_log_values: set[str] = set()
        self.warnings: list[str] = []
        self.result: dict[str, Any] = {}
        self.failed = False
        FakeModule.runs.append(self)

    def _load_params(self) -> None:
        """Take the options that the play sets; the runner overrides this."""
        self.params = dict(FakeModule.given)

    def warn(self, sentence: str) -> None:
        self.warnings.append(sentence)

    def exit_json(self, **result: Any) -> None:
        self.result = result
        raise Exit

    def fail_json(self, **result: Any) -> None:
        # Ansible adds the traceback of an exception that is being handled, and its text may hold a secret.
        assert sys.exc_info() == (None, None, None)
        self.result, self.failed = result, True
        raise Exit


Action = Callable[[Any], Result]


@pytest.fixture(autouse=True)
def fake_module(monkeypatch: pytest.MonkeyPatch, quay: FakeQuay) -> None:
    """Replace what AnsibleModule does, and the session that would open connections."""
    for name in ("QUAY_TOKEN", "QUAY_USERNAME", "QUAY_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    for method in ("__init__", "_load_params", "warn", "exit_json", "fail_json"):
        monkeypatch.setattr(AnsibleModule, method, getattr(FakeModule, method))
    monkeypatch.setattr(connection, "new_session", lambda: quay.session)
    monkeypatch.setattr(FakeModule, "runs", [])


def run(action: Action, run_: Callable[..., None] = run_module, check_mode: bool = False, **params: Any) -> FakeModule:
    """One run of a module with this action, with PARAMS and these parameters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeModule, "given", {**PARAMS, **params})
        patch.setattr(FakeModule, "check_mode", check_mode)
        with pytest.raises(Exit):
            run_(action, {"name": {"type": "str"}})
    (module,) = FakeModule.runs
    FakeModule.runs.clear()
    return module


def failure(action: Action, **options: Any) -> str:
    """The message of a run that fails. Nothing else is in its result."""
    module = run(action, **options)
    assert module.failed
    assert list(module.result) == ["msg"]
    return str(module.result["msg"])


def nothing(_context: LocalContext) -> Result:
    return Result(False, {})


def never(_context: LocalContext) -> Result:
    raise AssertionError("the action must not run")


both_runners = pytest.mark.parametrize("run_", [run_module, run_local_module])


@pytest.mark.parametrize(
    ("runner_", "options"), [(run_module, {}), (run_module, {"auth_optional": True}), (run_local_module, {})]
)
def test_what_the_module_accepts(runner_: Callable[..., None], options: dict[str, Any]) -> None:
    """A module that sends nothing accepts the connection options, too: module_defaults sets them for all modules."""
    own = {"name": {"type": "str", "required": True}}
    with pytest.raises(Exit):
        runner_(nothing, own, mutually_exclusive=[("a", "b")], required_if=[], **options)
    (module,) = FakeModule.runs
    assert module.argument_spec == {**CONNECTION_OPTIONS, **own}
    assert module.supports_check_mode is True
    assert module.constraints == {"mutually_exclusive": [("a", "b")], "required_if": []}


@both_runners
@pytest.mark.parametrize("changed", [False, True])
def test_result(run_: Callable[..., None], changed: bool) -> None:
    module = run(lambda _context: Result(changed, {"name": "x", "list": [1]}), run_)
    assert not module.failed
    assert module.result == {"changed": changed, "name": "x", "list": [1]}


@both_runners
def test_diff(run_: Callable[..., None]) -> None:
    module = run(lambda _context: Result(True, {"name": "x"}, {}, {"role": "admin"}), run_)
    assert module.result == {"changed": True, "name": "x", "diff": {"before": {}, "after": {"role": "admin"}}}


@both_runners
def test_no_diff_of_equal_sides(run_: Callable[..., None]) -> None:
    module = run(lambda _context: Result(False, {}, {"role": "admin"}, {"role": "admin"}), run_)
    assert module.result == {"changed": False}


@both_runners
@pytest.mark.parametrize("check_mode", [False, True])
def test_context(run_: Callable[..., None], check_mode: bool) -> None:
    contexts: list[LocalContext] = []

    def note(context: LocalContext) -> Result:
        contexts.append(context)
        return Result(False, {})

    run(note, run_, check_mode)
    assert [(context.params["name"], context.check_mode) for context in contexts] == [("x", check_mode)]
    assert isinstance(contexts[0], ModuleContext) is (run_ is run_module)


@both_runners
@pytest.mark.parametrize("kind", [BadInput, lambda text: ApiError(400, "GET", "/x", text)])
def test_error_of_the_collection(run_: Callable[..., None], kind: Callable[[str], Exception]) -> None:
    def fail(_context: LocalContext) -> Result:
        raise kind("This is the message")

    assert failure(fail, run_=run_) in (
        "This is the message",
        "GET /x: Quay answered 400: This is the message",
    )


@both_runners
@pytest.mark.parametrize("kind", [ValueError, KeyError, RuntimeError, OSError])
def test_internal_error_hides_its_text(run_: Callable[..., None], kind: type[Exception]) -> None:
    """The text may hold a secret. The class and the location help the maintainers."""

    def fail(_context: LocalContext) -> Result:
        def deeper() -> Result:
            raise kind(f"token {SECRET}")

        return deeper()

    message = failure(fail, run_=run_)
    line = deeper_line(fail)
    assert message == (
        f"Internal error: {kind.__name__} in deeper, test_runner.py line {line}. Please report this as a defect."
    )


def deeper_line(function: Any) -> int:
    """The line of the statement in the function that is inside of another function."""
    inner = next(constant for constant in function.__code__.co_consts if hasattr(constant, "co_firstlineno"))
    return int(inner.co_firstlineno) + 1


@both_runners
def test_warnings(run_: Callable[..., None]) -> None:
    """They appear once each, those of a failed run too."""

    def warn(context: LocalContext) -> Result:
        for sentence in ("one", "two", "one"):
            context.warn(sentence)
        return Result(False, {})

    def warn_and_fail(context: LocalContext) -> Result:
        warn(context)
        raise BadInput("no")

    assert run(warn, run_).warnings == ["one", "two"]
    assert run(warn_and_fail, run_).warnings == ["one", "two"]


def test_missing_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "REQUESTS_IMPORT_ERROR", "Traceback: No module named 'requests'")
    module = run(never)
    assert module.failed
    assert module.result["msg"].startswith("Failed to import the required Python library (requests)")
    assert module.result["exception"] == "Traceback: No module named 'requests'"
    assert not run(nothing, run_local_module).failed


@both_runners
@pytest.mark.parametrize(
    ("host", "hidden"),
    [(ORIGIN, set()), (f"https://ann:{SECRET}@quay.example.com", {f"ann:{SECRET}"})],
)
def test_password_in_quay_host_is_masked(run_: Callable[..., None], host: str, hidden: set[str]) -> None:
    module = run(nothing, run_, quay_host=host)
    assert module.no_log_values == hidden
    if hidden and run_ is run_module:
        assert module.failed
        assert module.result["msg"] == (
            "quay_host must not hold a user name or password; use quay_username and quay_password"
        )


@both_runners
def test_values_that_the_action_hides(run_: Callable[..., None]) -> None:
    def hide(context: LocalContext) -> Result:
        context.hidden.add(SECRET)
        return Result(False, {})

    assert run(hide, run_).no_log_values == {SECRET}


@pytest.mark.parametrize("no_log", [False, True])
def test_whether_the_result_is_hidden(monkeypatch: pytest.MonkeyPatch, no_log: bool) -> None:
    """Ansible prints the result of a task that fails unless the task has no_log."""
    monkeypatch.setattr(FakeModule, "no_log", no_log)
    found: list[bool] = []

    def note(context: ModuleContext) -> Result:
        found.append(context.hides_result)
        return Result(False, {})

    run(note, run_module)
    assert found == [no_log]


@both_runners
def test_empty_value_is_not_set(run_: Callable[..., None]) -> None:
    """Templates and AWX hand over an empty text for what is not set."""
    found: list[Any] = []

    def note(context: LocalContext) -> Result:
        found.extend(context.params[name] for name in ("quay_username", "ca_path", "name"))
        return Result(False, {})

    assert not run(note, run_, quay_username="", ca_path="", name="").failed
    assert found == [None, None, None]


def test_empty_values_of_ansible_itself(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """They are dropped before Ansible converts types, so that defaults and fallbacks apply."""
    monkeypatch.undo()
    monkeypatch.setenv("QUAY_TIMEOUT", "2.5")
    given = {"quay_token": "", "timeout": "", "validate_certs": "", "retries": "", "members": "", "description": ""}
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode())
    # ansible-core 2.19 and later need to know how the arguments are serialised.
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    options = {"description": {"type": "str"}, "members": {"type": "list", "elements": "str"}}
    with pytest.raises(SystemExit):
        run_local_module(lambda context: Result(False, {name: context.params[name] for name in given}), options)
    result = json.loads(capsys.readouterr().out)
    assert {name: result[name] for name in given} == {
        "quay_token": None,
        "timeout": 2.5,
        "validate_certs": True,
        "retries": 3,
        "members": None,
        "description": "",
    }


@both_runners
@pytest.mark.parametrize("params", [{"name": "********+ci"}, {"quay_username": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}])
def test_masked_value_is_refused(run_: Callable[..., None], params: dict[str, Any]) -> None:
    """Ansible masks secrets in the results of tasks, from which plays take values."""
    message = failure(never, run_=run_, **params)
    assert message.startswith(f"{next(iter(params))} holds a value that Ansible masked in the result of another task")


@pytest.mark.parametrize("params", [{"timeout": 0}, {"timeout": -1.0}, {"retries": -1}, {"timeout": 0.0, "retries": 0}])
def test_invalid_timeout_or_retries(params: dict[str, Any]) -> None:
    assert failure(never, **params) == "timeout must be more than 0 seconds, and retries 0 or more"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"quay_token": None}, "No login: "),
        ({**USER, "quay_password": None}, "quay_username and quay_password go together"),
        ({"quay_token": "t0 ken"}, "quay_token holds white space"),
        ({**USER, "quay_username": "ann:x"}, "quay_username must not hold a colon"),
        ({"quay_host": "quay.example.com"}, "quay_host must start with https://"),
        ({"quay_host": ""}, "quay_host is missing: "),
        ({"quay_host": None}, "quay_host is missing: "),
        ({"ca_path": "/none/ca.pem"}, "ca_path: there is no file /none/ca.pem on the target"),
    ],
)
def test_invalid_connection_options(params: dict[str, Any], message: str) -> None:
    assert failure(never, **params).startswith(message)


def test_optional_login(quay: FakeQuay) -> None:
    quay.answers(ok({}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeModule, "given", {**PARAMS, "quay_token": None})
        with pytest.raises(Exit):
            run_module(get_x, {}, auth_optional=True)
    assert not FakeModule.runs[0].failed
    assert "Authorization" not in quay.requests[0].headers


def get_x(context: ModuleContext) -> Result:
    return Result(False, {"data": context.client.get("/api/v1/x").data})


def test_request_of_an_action(quay: FakeQuay) -> None:
    quay.answers(ok({"a": 1}))
    assert run(get_x).result == {"changed": False, "data": {"a": 1}}
    assert quay.requests[0].headers["Authorization"] == "Bearer t0ken"


@pytest.mark.parametrize(
    ("params", "timeout", "verify"),
    [
        ({}, 10.0, True),
        ({"timeout": 2.5, "validate_certs": False}, 2.5, False),
        ({"validate_certs": False, "ca_path": "/none"}, 10.0, False),
        ({"ca_path": "/etc"}, 10.0, "/etc"),
    ],
)
def test_connection_options(quay: FakeQuay, params: dict[str, Any], timeout: float, verify: bool | str) -> None:
    quay.answers(ok({}))
    run(get_x, **params)
    assert (quay.options[0]["timeout"], quay.options[0]["verify"]) == (timeout, verify)


def test_retries(quay: FakeQuay) -> None:
    quay.answers(error(502, "Bad Gateway", "x"))
    assert failure(get_x, retries=0) == f"GET {ORIGIN}/api/v1/x: Quay answered 502: Bad Gateway"


PLAIN_HTTP = "The password is sent over plain http and can be read by others. Use an https:// quay_host."


@pytest.mark.parametrize(
    ("params", "warnings"),
    [
        ({"quay_host": "http://quay.example.com", **USER}, [PLAIN_HTTP]),
        ({"quay_host": "http://quay.example.com"}, []),
        (USER, []),
    ],
)
def test_password_over_plain_http(params: dict[str, Any], warnings: list[str]) -> None:
    assert run(nothing, **params).warnings == warnings


@pytest.mark.parametrize(
    ("seconds", "differs"), [(0, False), (300, False), (-300, False), (301, True), (-301, True), (86400, True)]
)
def test_clock_skew(quay: FakeQuay, clock: datetime, seconds: int, differs: bool) -> None:
    """A large one is a warning: tools on the target compare expiry times with its own clock."""
    quay.answers(ok({}, Date=format_datetime(clock + timedelta(seconds=seconds))))
    expected = [f"The target's clock and Quay's differ by {abs(seconds)} s; Quay's clock was used."]
    assert run(get_x).warnings == (expected if differs else [])
