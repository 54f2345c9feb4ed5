# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs modules, each in a process of its own, and quickly: what all of them import is loaded once, each run is a fork.

Speaks JSON, one line a run: in go the module's file, its arguments and its environment; out come its exit status and
what it printed. Arguments reach a module by its standard input, so that no secret stands on a command line. A run may
have a prelude (a module of the tests and what its `install` is told), and it may be killed after some seconds.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import sys
import tempfile
import time
import traceback
from typing import IO, Any

from contract import collection

_LONGEST_RUN_S = 120

# What a run would load by itself, and what not every ansible-core has.
_LOADED_LATE = (
    "_strptime",
    "ansible.module_utils._internal._json._profiles._module_legacy_c2m",
    "ansible.module_utils._internal._json._profiles._module_legacy_m2c",
)


def serve() -> None:
    for path in (collection.PLUGINS / "module_utils").rglob("*.py"):
        name = ".".join(path.relative_to(collection.PLUGINS).with_suffix("").parts)
        importlib.import_module(f"ansible_collections.{collection.NAME}.plugins.{name}")
    for name in _LOADED_LATE:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # Nothing of what was loaded will ever be garbage; a collection in a fork would only copy it.
    gc.freeze()
    for line in sys.stdin.buffer:
        print(json.dumps(_run(json.loads(line))), flush=True)


def _run(job: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(json.dumps(job["arguments"]).encode())
        given.seek(0)
        child = os.fork()
        if child == 0:
            _become(job, given, out, err)
        if "kill_after" in job:
            time.sleep(job["kill_after"])
            # One that has ended by now is not yet waited for: its number is nobody else's.
            os.kill(child, signal.SIGKILL)
        _pid, status = os.waitpid(child, 0)
        return {"status": os.waitstatus_to_exitcode(status), "stdout": _text(out), "stderr": _text(err)}


def _become(job: dict[str, Any], given: IO[bytes], out: IO[bytes], err: IO[bytes]) -> None:
    """Turn this process into the module's."""
    status: Any = 1
    try:
        for number, file in enumerate((given, out, err)):
            os.dup2(file.fileno(), number)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        sys.argv = [job["module"]]
        os.environ.clear()
        os.environ.update(job["environ"])
        tempfile.tempdir = None
        signal.alarm(_LONGEST_RUN_S)
        if "prelude" in job:
            name, told = job["prelude"]
            importlib.import_module(name).install(told)
        status = 0
        runpy.run_path(job["module"], run_name="__main__")
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


if __name__ == "__main__":
    serve()
