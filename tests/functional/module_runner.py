# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs modules, and checks every result against the documentation of the module."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract import collection
from standin.tokens import fingerprint

# Keys that Ansible adds to a result.
_ADDED_BY_ANSIBLE = {"changed", "deprecations", "diff", "exception", "failed", "invocation", "msg", "warnings"}
_TYPES: dict[str, type[Any]] = {"str": str, "int": int, "bool": bool, "list": list, "dict": dict, "float": float}
_TYPES["raw"] = object
# When a module that takes one credential or many returns the values of one.
_OF_ONE = "success, without O(credentials)"
# A failed task returns these, too.
_IN_SPITE = "success, and if "


@dataclass(frozen=True)
class Result:
    """The result of one run of a module."""

    module: str
    arguments: Mapping[str, Any] = field(repr=False)
    values: dict[str, Any] = field(repr=False)
    check: bool
    output: str = field(repr=False)

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    @property
    def failed(self) -> bool:
        return bool(self.values.get("failed"))

    @property
    def changed(self) -> bool:
        return bool(self.values["changed"])

    @property
    def message(self) -> str:
        return str(self.values.get("msg", ""))

    @property
    def warnings(self) -> list[str]:
        return [_text_of(warning) for warning in self.values.get("warnings", ())]

    def warned(self, words: str) -> bool:
        """Whether exactly one warning contains these words."""
        return sum(words in warning for warning in self.warnings) == 1

    @property
    def diff(self) -> Any:
        return self.values.get("diff")

    @property
    def returned(self) -> dict[str, Any]:
        """The return values of the module."""
        return {key: value for key, value in self.values.items() if key not in _ADDED_BY_ANSIBLE}

    @property
    def content(self) -> dict[str, Any]:
        """The return values without `window_seconds`, which differs in each run."""
        return {key: value for key, value in self.returned.items() if key != "window_seconds"}

    @property
    def token(self) -> str | None:
        """The fingerprint of the returned secret. Tests compare fingerprints, because failures print them."""
        secret = self.values.get("token")
        return fingerprint(secret) if secret else None

    @property
    def output_without_token(self) -> str:
        """The output without the return value `token`, which is the only place for a secret."""
        own = {key: value for key, value in self.values.items() if key in _ADDED_BY_ANSIBLE}
        return json.dumps([own, _without_token(self.content)], sort_keys=True)


def _text_of(warning: Any) -> str:
    """Return the text of a warning: a string up to ansible-core 2.18, a mapping since 2.19."""
    return str(warning if isinstance(warning, str) else warning["event"]["msg"])


def _without_token(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_token(part) for key, part in value.items() if key != "token"}
    if isinstance(value, list):
        return [_without_token(part) for part in value]
    return value


class ModuleRunner:
    """Runs modules. The server process ends with the block."""

    def __init__(self, home: Path, preload: Sequence[str] = ()) -> None:
        """``preload``: further modules to import once."""
        self._preload = preload
        self._environ = {"HOME": str(home), "TMPDIR": str(home), "PATH": os.defpath, "LANG": "C.UTF-8"}
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ModuleRunner:
        search = os.pathsep.join([str(collection.COLLECTIONS), str(collection.ROOT / "tests")])
        self._server = subprocess.Popen(
            [sys.executable, "-m", "functional.fork_server", *self._preload],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**self._environ, "PYTHONPATH": search, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        return self

    def __exit__(self, *_exception: object) -> None:
        assert self._server is not None
        self._server.communicate()

    def run(
        self,
        module: str,
        arguments: Mapping[str, Any],
        *,
        check: bool = False,
        environ: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Result:
        """Run a module, and check its result. ``more``: further keys of a job of `fork_server`."""
        reply = self._send_job(module, arguments, check, environ or {}, **more)
        assert reply["stderr"] == "", reply["stderr"]
        values = json.loads(reply["stdout"])
        assert reply["status"] == (1 if values.get("failed") else 0)
        result = Result(module, arguments, values, check, reply["stdout"])
        check_result(result)
        return result

    def run_unchecked(self, module: str, arguments: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Run a module without checks. Returns status and output. ``more``: further keys of a job of `fork_server`."""
        return self._send_job(module, arguments, check=False, environ={}, **more)

    def _send_job(
        self, module: str, arguments: Mapping[str, Any], check: bool, environ: Mapping[str, str], **more: Any
    ) -> dict[str, Any]:
        assert self._server is not None
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        flags = {"_ansible_check_mode": check, "_ansible_diff": True}
        job = {
            "module": str(_file_of(module)),
            "arguments": {"ANSIBLE_MODULE_ARGS": {**arguments, **flags}},
            "environ": {**self._environ, **environ},
            **more,
        }
        self._server.stdin.write(json.dumps(job).encode() + b"\n")
        self._server.stdin.flush()
        reply: dict[str, Any] = json.loads(self._server.stdout.readline())
        return reply


def run_standalone(module: str, arguments: Mapping[str, Any], import_first: Path | None = None) -> Result:
    """Run a module in a new interpreter. ``import_first``: a folder that precedes others in the import path."""
    search = [str(folder) for folder in (import_first, collection.COLLECTIONS) if folder]
    reply = subprocess.run(
        [sys.executable, "-B", str(_file_of(module))],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(search)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert reply.stderr == "", reply.stderr
    result = Result(module, arguments, json.loads(reply.stdout), check=False, output=reply.stdout)
    check_result(result)
    return result


def _file_of(module: str) -> Path:
    return collection.PLUGINS / "modules" / f"{module}.py"


def check_result(result: Result) -> None:
    """Assert that a result matches RETURN, and that a failure has a message and no traceback."""
    returns = collection.documented(result.module).returns
    in_spite = {name for name, key in returns.items() if key["returned"].startswith(_IN_SPITE)}
    if result.failed:
        of_many = {"changed", "results", "diff"} if "results" in result.values else set()
        if in_spite & result.values.keys():
            of_many |= {"changed", "diff"} | in_spite
        known = {"failed", "msg", "invocation", "warnings", "exception"} | of_many
        assert result.values.keys() <= known, result.values.keys()
        assert "Internal error" not in result.message, result.message
        assert "Traceback" not in result.output
        if not of_many:
            return
    takes_many = any(key["returned"] == _OF_ONE for key in returns.values())
    if takes_many and isinstance(result.arguments.get("credentials"), list):
        check_results_of_many(result, returns)
        return
    always_returned = {name for name, key in returns.items() if key["returned"] in ("success", _OF_ONE)} | in_spite
    assert always_returned <= result.returned.keys() <= returns.keys()
    check_types(returns, result.returned)
    if result.check:
        assert result.returned.get("token") is None
    if result.diff is None:
        return
    assert result.diff.keys() == {"before", "after"}
    assert result.diff["before"] != result.diff["after"]


def check_results_of_many(result: Result, returns: Mapping[str, Any]) -> None:
    """Assert that each credential has the result of one, or its failure."""
    assert result.returned.keys() == {"results"}
    assert len(result["results"]) == len(result.arguments["credentials"])
    for row in result["results"]:
        if row.get("failed"):
            assert row.keys() == {"name", "changed", "failed", "msg"}
            continue
        values = {key: value for key, value in row.items() if key != "changed"}
        assert {name for name, key in returns.items() if key["returned"] == _OF_ONE} <= values.keys() <= returns.keys()
        check_types(returns, values)
        assert not (result.check and values.get("token"))
    for diff in result.diff or ():
        assert diff.keys() == {"before", "after", "before_header", "after_header"}
        assert diff["before"] != diff["after"]


def check_types(returns: Mapping[str, Any], values: Mapping[str, Any], path: str = "") -> None:
    for name, value in values.items():
        key, where = returns[name], f"{path}{name}"
        assert value is None or isinstance(value, _TYPES[key["type"]]), where
        assert not value or not str(key["description"]).startswith("Always "), where
        items: list[Any] = value if isinstance(value, list) and key["type"] == "list" else []
        for item in items:
            assert isinstance(item, _TYPES[key["elements"]]), where
            if key.get("contains"):
                check_contents(key["contains"], item, f"{where}.")


def check_contents(returns: Mapping[str, Any], values: Mapping[str, Any], path: str) -> None:
    always_returned = {name for name, key in returns.items() if key["returned"] == "success"}
    assert always_returned <= values.keys() <= returns.keys(), path
    check_types(returns, values, path)
