# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running modules from a test, and what must hold of every result, whichever test asked for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract import collection
from standin.tokens import fingerprint

# What Ansible itself adds to a result.
_ANSIBLES_OWN = {"changed", "deprecations", "diff", "exception", "failed", "invocation", "msg", "warnings"}
_TYPES: dict[str, type[Any]] = {"str": str, "int": int, "bool": bool, "list": list, "dict": dict, "float": float}
_TYPES["raw"] = object


@dataclass(frozen=True)
class Result:
    """What one run of a module answered."""

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
        return [_sentence(warning) for warning in self.values.get("warnings", ())]

    def warned(self, words: str) -> bool:
        """Whether one warning, and no more than one, has these words."""
        return sum(words in warning for warning in self.warnings) == 1

    @property
    def diff(self) -> Any:
        return self.values.get("diff")

    @property
    def told(self) -> dict[str, Any]:
        """What the module itself says: its return values."""
        return {key: value for key, value in self.values.items() if key not in _ANSIBLES_OWN}

    @property
    def content(self) -> dict[str, Any]:
        """The same but for the time it took, which is another in each run."""
        return {key: value for key, value in self.told.items() if key != "window_seconds"}

    @property
    def token(self) -> str | None:
        """The fingerprint of the secret that was returned: what tests compare, since they may print it."""
        secret = self.values.get("token")
        return fingerprint(secret) if secret else None

    @property
    def without_token(self) -> str:
        """All that was printed, but for the return value `token`: the one place where a secret may stand."""
        own = {key: value for key, value in self.values.items() if key in _ANSIBLES_OWN}
        return json.dumps([own, _without_token(self.content)], sort_keys=True)


def _sentence(warning: Any) -> str:
    """A warning's text, as ansible-core puts it: bare up to 2.18, wrapped since."""
    return str(warning if isinstance(warning, str) else warning["event"]["msg"])


def _without_token(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_token(part) for key, part in value.items() if key != "token"}
    if isinstance(value, list):
        return [_without_token(part) for part in value]
    return value


class Modules:
    """Runs modules until the block is left."""

    def __init__(self, home: Path) -> None:
        self._environ = {"HOME": str(home), "TMPDIR": str(home), "PATH": os.defpath, "LANG": "C.UTF-8"}
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Modules:
        search = os.pathsep.join([str(collection.COLLECTIONS), str(collection.ROOT / "tests")])
        self._server = subprocess.Popen(
            [sys.executable, "-m", "functional.forks"],
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
    ) -> Result:
        answer = self._ask(module, arguments, check, environ or {})
        assert answer["stderr"] == "", answer["stderr"]
        values = json.loads(answer["stdout"])
        assert answer["status"] == (1 if values.get("failed") else 0)
        result = Result(module, arguments, values, check, answer["stdout"])
        check_result(result)
        return result

    def attempt(self, module: str, arguments: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Run it and say how it ended, whatever came of it; ``more`` as `forks` takes it."""
        return self._ask(module, arguments, check=False, environ={}, **more)

    def _ask(
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
        answer: dict[str, Any] = json.loads(self._server.stdout.readline())
        return answer


def run_alone(module: str, arguments: Mapping[str, Any], before: Path | None = None) -> Result:
    """Run a module by an interpreter of its own, with nothing loaded; ``before``: a folder to import from first."""
    search = [str(folder) for folder in (before, collection.COLLECTIONS) if folder]
    answer = subprocess.run(
        [sys.executable, "-B", str(_file_of(module))],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(search)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stderr == "", answer.stderr
    result = Result(module, arguments, json.loads(answer.stdout), check=False, output=answer.stdout)
    check_result(result)
    return result


def _file_of(module: str) -> Path:
    return collection.PLUGINS / "modules" / f"{module}.py"


def check_result(result: Result) -> None:
    """A result equals what RETURN promises; a failure is a sentence, and never a traceback."""
    if result.failed:
        assert result.values.keys() <= {"failed", "msg", "invocation", "warnings", "exception"}, result.values.keys()
        assert "Internal error" not in result.message, result.message
        assert "Traceback" not in result.output
        return
    returns = collection.documented(result.module).returns
    promised = {name for name, key in returns.items() if key["returned"] == "success"}
    assert promised <= result.told.keys() <= returns.keys()
    check_types(returns, result.told)
    if result.check:
        assert result.told.get("token") is None
    if result.diff is None:
        return
    assert result.diff.keys() == {"before", "after"}
    assert result.diff["before"] != result.diff["after"]


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
    promised = {name for name, key in returns.items() if key["returned"] == "success"}
    assert promised <= values.keys() <= returns.keys(), path
    check_types(returns, values, path)
