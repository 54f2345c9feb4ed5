# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the architecture of plugins. Each rule takes one source file and returns its problems."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from . import collection

# From the top down. A file imports from its own folder and from the layers below, not from another folder of its layer.
LAYERS = (
    ("modules", "action", "filter", "inventory", "lookup"),
    ("plugin_utils",),
    ("module_utils/_resources", "module_utils/_credentials"),
    ("module_utils/_stores",),
    ("module_utils/_module",),
    ("module_utils/_quay",),
    ("module_utils/_http",),
    ("module_utils/_core",),
)
RANKS = {folder: rank for rank, layer in enumerate(LAYERS) for folder in layer}
# Documentation only.
FRAGMENTS = "doc_fragments"
# Plugins that run on the controller, inside of Ansible.
CONTROLLER = ("action", "filter", "inventory", "lookup", "plugin_utils")
# Where the logic of a module can be: quay_X imports its action from the one file X.py of these folders.
LOGIC = ("module_utils/_resources", "module_utils/_credentials", "module_utils/_stores")

# What plugins may import in addition to Python's own modules, each with the files or folders that may do it.
THIRD_PARTY: Mapping[str, tuple[str, ...]] = {
    "ansible": CONTROLLER,
    "ansible/module_utils/basic": ("module_utils/_module",),
    "ansible/module_utils/common/arg_spec": ("module_utils/_module",),
    "ansible/module_utils/errors": ("module_utils/_module",),
    # Requirements of ansible-core.
    "yaml": (FRAGMENTS,),
    "cryptography": ("plugin_utils/sealing.py",),
    "requests": (
        "module_utils/_http/client.py",
        "module_utils/_http/failures.py",
        "module_utils/_http/identity_providers.py",
        "module_utils/_http/session.py",
    ),
    "urllib3": ("module_utils/_http/failures.py",),
}
# They may be missing on a target. A module must still start, to report that.
OPTIONAL = ("requests", "urllib3")

MAX_MODULE_LINES = 60
MAX_FUNCTION_LINES = 45

_ROOT = f"ansible_collections.{collection.NAME}.plugins."
_PRIVATE_HEADER = re.compile(
    r"^# This (module utility|doc fragment) is PRIVATE to the collection.*\n# Do not (import|use) it from other coll",
    re.M,
)


@dataclass(frozen=True)
class Source:
    """One Python file: its path below plugins, and its text."""

    path: PurePosixPath
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def folder(self) -> str:
        """The folder that stands for the file's layer, or a name that no layer has."""
        depth = 2 if self.path.parts[0] == "module_utils" else 1
        return self.path.parent.as_posix() if len(self.path.parts) == depth + 1 else f"{self.path} (no folder)"


@dataclass(frozen=True)
class Import:
    """One imported module: its path below plugins, or the name of a library."""

    name: str
    internal: bool
    relative: bool
    guarded: bool
    line: int


Rule = Callable[[Source], Iterator[str]]


def imports_of(source: Source) -> Iterator[Import]:
    """All imports of a file, those inside of functions too."""
    yield from _imports_in(source, source.tree, guarded=False)


def _imports_in(source: Source, node: ast.AST, guarded: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield _import(source, alias.name, 0, guarded, child.lineno)
        elif isinstance(child, ast.ImportFrom):
            found = _import(source, child.module or "", child.level, guarded, child.lineno)
            # "from .._http import errors" imports a file of that folder.
            files = [f"{found.name}/{alias.name}" for alias in child.names] if found.name in RANKS else [found.name]
            yield from (replace(found, name=file) for file in files)
        else:
            yield from _imports_in(source, child, guarded or _is_guard(child))


def _import(source: Source, name: str, level: int, guarded: bool, line: int) -> Import:
    if level:
        folder = source.path.parents[level - 1]
        return Import((folder / name.replace(".", "/")).as_posix(), True, True, guarded, line)
    internal = name.startswith(_ROOT)
    return Import(name.removeprefix(_ROOT).replace(".", "/"), internal, False, guarded, line)


def _is_guard(node: ast.AST) -> bool:
    """Whether an import below this node does not fail the start of a module."""
    if isinstance(node, ast.Try):
        return any("ImportError" in ast.unparse(handler.type or ast.Name("")) for handler in node.handlers)
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def is_in_a_known_folder(source: Source) -> Iterator[str]:
    if source.folder not in (*RANKS, FRAGMENTS):
        yield f"{source.path} is in no known folder: move it, or give its folder a layer in LAYERS"


def imports_from_lower_layers(source: Source) -> Iterator[str]:
    own = RANKS.get(source.folder, -1)
    for imported in imports_of(source):
        if imported.internal:
            folder = _folder_of(imported)
            if folder != source.folder and RANKS.get(folder, -1) <= own:
                yield f"line {imported.line}: {source.folder} must not import from {folder}"


def _folder_of(imported: Import) -> str:
    parts = PurePosixPath(imported.name).parts
    return "/".join(parts[: 2 if parts[0] == "module_utils" else 1])


def writes_imports_in_one_form(source: Source) -> Iterator[str]:
    """Relative imports inside of module_utils, absolute ones everywhere else."""
    relative = source.path.parts[0] == "module_utils"
    for imported in imports_of(source):
        if imported.internal and imported.relative is not relative:
            yield f"line {imported.line}: write the import of {imported.name} {'relative' if relative else 'absolute'}"


def imports_allowed_libraries(source: Source) -> Iterator[str]:
    for imported in imports_of(source):
        library = imported.name.split("/")[0]
        if imported.internal or library in sys.stdlib_module_names:
            continue
        allowed = [
            place
            for name, places in THIRD_PARTY.items()
            if PurePosixPath(imported.name).is_relative_to(name)
            for place in places
        ]
        if not any(source.path.is_relative_to(place) for place in allowed):
            yield f"line {imported.line}: {source.path} must not import {imported.name}"
        elif library in OPTIONAL and not imported.guarded:
            yield f"line {imported.line}: import {library} under a guard or inside of a function"


def is_marked_as_private(source: Source) -> Iterator[str]:
    """Everything that modules and plugins are built from is private, and says so."""
    private = source.path.parts[0] in ("module_utils", FRAGMENTS)
    if private and not source.path.parts[1].startswith("_"):
        yield f"{source.path}: the first name below {source.path.parts[0]} must begin with an underscore"
    if private and not _PRIVATE_HEADER.search(source.text.split("from __future__")[0]):
        yield f"{source.path} lacks the comment that says that it is private"


def has_a_docstring(source: Source) -> Iterator[str]:
    """A file has one, or the class of a doc fragment. A module has its documentation instead."""
    if source.folder == FRAGMENTS:
        documented = any(ast.get_docstring(node) for node in source.tree.body if isinstance(node, ast.ClassDef))
    else:
        documented = source.folder == "modules" or ast.get_docstring(source.tree) is not None
    if not documented:
        yield f"{source.path} lacks a docstring"


def has_short_functions(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield f"line {node.lineno}: {node.name} has {lines} lines, more than {MAX_FUNCTION_LINES}"


def is_a_short_module(source: Source) -> Iterator[str]:
    """A module is documentation, options and one call."""
    if source.folder != "modules":
        return
    texts = (ast.Assign, ast.Import, ast.ImportFrom, ast.Expr)
    code = [node for node in source.tree.body if not isinstance(node, texts)]
    lines = sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in code)
    if lines > MAX_MODULE_LINES:
        yield f"{source.path} has {lines} lines of code, more than {MAX_MODULE_LINES}"
    if not source.text.startswith("#!/usr/bin/python\n"):
        yield f"{source.path} must begin with #!/usr/bin/python"
    functions = [node for node in source.tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    if [node.name for node in functions] != ["main"] or _call_in(functions[0]) is None:
        yield f"{source.path} must have the one function main, with one call in it"


def imports_its_action_by_name(source: Source) -> Iterator[str]:
    """The file of a module's logic is found from the module's name."""
    main = next((node for node in source.tree.body if isinstance(node, ast.FunctionDef)), None)
    call = _call_in(main) if source.folder == "modules" and main is not None else None
    if call is None or not call.args:
        return
    action = ast.unparse(call.args[0])
    places = {f"{folder}/{source.path.stem.removeprefix('quay_')}" for folder in LOGIC}
    found = [
        imported.replace(".", "/")
        for node in source.tree.body
        if isinstance(node, ast.ImportFrom) and action in [alias.asname or alias.name for alias in node.names]
        for imported in [str(node.module).removeprefix(_ROOT)]
    ]
    if len(found) != 1 or found[0] not in places:
        yield f"{source.path} must import {action} from one of {', '.join(sorted(places))}, not from {found}"


def _call_in(function: ast.stmt) -> ast.Call | None:
    """The call that is all of a function's body, or None."""
    body = function.body if isinstance(function, ast.FunctionDef) else []
    value = body[0].value if len(body) == 1 and isinstance(body[0], ast.Expr) else None
    return value if isinstance(value, ast.Call) else None


RULES: tuple[Rule, ...] = (
    is_in_a_known_folder,
    imports_from_lower_layers,
    writes_imports_in_one_form,
    imports_allowed_libraries,
    is_marked_as_private,
    has_a_docstring,
    has_short_functions,
    is_a_short_module,
    imports_its_action_by_name,
)


def cycle_in(sources: list[Source]) -> list[str]:
    """The files of one import cycle; an empty list if there is none."""
    graph = {
        source.path.with_suffix("").as_posix(): [each.name for each in imports_of(source) if each.internal]
        for source in sources
    }
    finished: set[str] = set()

    def visit(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in finished:
            return []
        cycle = next(filter(None, (visit(imported, [*trail, name]) for imported in graph.get(name, ()))), [])
        finished.add(name)
        return cycle

    return next(filter(None, (visit(name, []) for name in graph)), [])


def sources() -> list[Source]:
    """Every Python file below plugins."""
    paths = sorted(collection.PLUGINS.rglob("*.py"))
    return [Source(PurePosixPath(path.relative_to(collection.PLUGINS)), path.read_text()) for path in paths]
