"""Mutants of a module: each is one small slip in one function, compiled and put in place of the function's code.

The code object of a function is replaced, not the function: whoever imported it by name calls the mutant too, and
nothing is imported anew. So only what is inside functions is mutated: no constants and tables of a module.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import importlib
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
NAMES = {"max": "min", "min": "max", "any": "all", "all": "any", "ABSENT": "PRESENT", "PRESENT": "ABSENT"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One slip: `place` is the function's name within its module, `line` where it is, `slip` what it is."""

    module: str
    place: str
    line: int
    slip: str
    number: int  # of those in the module, in the order of the source

    @property
    def name(self) -> str:
        """A name that stays as long as the module's source does."""
        return f"{self.module}:{self.place}:{self.line}:{self.number}"


class _Mutator(ast.NodeTransformer):
    """Visits a tree in a fixed order and counts what could be changed; changes the one that is wanted."""

    def __init__(self, wanted: int | None) -> None:
        self.wanted = wanted
        self.count = 0
        self.found: list[tuple[int, str, str]] = []  # line, place, slip
        self.path: list[str] = []
        self.depth = 0

    def _may(self, node: ast.AST, slip: str) -> bool:
        """Notes a slip that could be made at a node; whether it is the wanted one."""
        if not self.depth:
            return False
        number, self.count = self.count, self.count + 1
        self.found.append((getattr(node, "lineno", 0), ".".join(self.path), slip))
        return number == self.wanted

    def _inside(self, node: Any) -> Any:
        self.path.append(node.name)
        self.depth += 1
        node.body = [self.visit(statement) for statement in _without_docstring(node.body)]
        self.depth -= 1
        self.path.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        return self._inside(node) if not self.depth else self._nested(node)

    def _nested(self, node: ast.FunctionDef) -> Any:
        node.body = [self.visit(statement) for statement in _without_docstring(node.body)]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        if self.depth:
            return node
        self.path.append(node.name)
        node.body = [self.visit(s) if isinstance(s, ast.FunctionDef | ast.ClassDef) else s for s in node.body]
        self.path.pop()
        return node

    def visit_Raise(self, node: ast.Raise) -> Any:
        return node  # the words of an error, and whether there is one, are held by what leads to it

    def visit_Assert(self, node: ast.Assert) -> Any:
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_Compare(self, node: ast.Compare) -> Any:
        self.generic_visit(node)
        for place, op in enumerate(node.ops):
            swap = SWAPS.get(type(op))
            if swap and self._may(node, f"{type(op).__name__} becomes {swap.__name__}"):
                node.ops[place] = swap()  # type: ignore[call-overload]
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        self.generic_visit(node)
        if self._may(node, f"{type(node.op).__name__} becomes {SWAPS[type(node.op)].__name__}"):
            node.op = SWAPS[type(node.op)]()  # type: ignore[assignment]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        self.generic_visit(node)
        swap = SWAPS.get(type(node.op))
        texts = any(isinstance(side, ast.JoinedStr | ast.Constant) and not _is_number(side) for side in _sides(node))
        if swap and not texts and self._may(node, f"{type(node.op).__name__} becomes {swap.__name__}"):
            node.op = swap()  # type: ignore[assignment]
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not) and self._may(node, "not is left out"):
            return node.operand
        return node

    def visit_Constant(self, node: ast.Constant) -> Any:
        value = node.value
        if isinstance(value, bool):
            if self._may(node, f"{value} becomes {not value}"):
                node.value = not value
        elif isinstance(value, int) and self._may(node, f"{value} becomes {value + 1}"):
            node.value = value + 1
        return node

    def visit_Name(self, node: ast.Name) -> Any:
        other = NAMES.get(node.id)
        if other and isinstance(node.ctx, ast.Load) and self._may(node, f"{node.id} becomes {other}"):
            if other in ("ABSENT", "PRESENT"):
                # Whether or not the module knows the other: by its class, from the one that it knows.
                module = ast.Call(ast.Name("__import__", ast.Load()), [ast.Constant("early_results.writes")], [])
                return ast.copy_location(
                    ast.Attribute(ast.Attribute(module, "writes", ast.Load()), other, ast.Load()), node
                )
            node.id = other
        return node

    def visit_If(self, node: ast.If) -> Any:
        self.generic_visit(node)
        if isinstance(node.test, ast.Name | ast.Attribute | ast.Call) and self._may(node, "the condition is negated"):
            node.test = ast.UnaryOp(ast.Not(), node.test)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        self.generic_visit(node)
        if self._may(node, "the branches change places"):
            node.body, node.orelse = node.orelse, node.body
        return node

    def visit_Expr(self, node: ast.Expr) -> Any:
        if isinstance(node.value, ast.Constant):
            return node
        self.generic_visit(node)
        if isinstance(node.value, ast.Call) and self._may(node, "the call is left out"):
            return ast.copy_location(ast.Pass(), node)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        node.value = self.visit(node.value)
        if self._may(node, "the addition is left out"):
            return ast.copy_location(ast.Pass(), node)
        return node

    def visit_Continue(self, node: ast.Continue) -> Any:
        return ast.copy_location(ast.Break(), node) if self._may(node, "continue becomes break") else node

    def visit_Break(self, node: ast.Break) -> Any:
        return ast.copy_location(ast.Continue(), node) if self._may(node, "break becomes continue") else node

    def visit_Return(self, node: ast.Return) -> Any:
        self.generic_visit(node)
        plain = node.value is None or isinstance(node.value, ast.Constant)
        if not plain and self._may(node, "None is returned"):
            node.value = ast.Constant(None)
        return node

    def visit_Dict(self, node: ast.Dict) -> Any:
        self.generic_visit(node)
        for place in range(len(node.keys)):
            if self._may(node, f"entry {place + 1} is left out"):
                del node.keys[place], node.values[place]
                break
        return node

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        for place, keyword in enumerate(node.keywords):
            if keyword.arg in ("require", "remove", "key", "reverse", "default") and self._may(
                node, f"{keyword.arg}= is left out"
            ):
                del node.keywords[place]
                break
        return node


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(body) > 1:
        return body[1:]
    return body


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _sides(node: ast.BinOp) -> tuple[ast.AST, ast.AST]:
    return node.left, node.right


def source_of(module: str) -> Path:
    """Where a module's source is."""
    found = importlib.import_module(module).__file__
    if found is None:
        raise ImportError(f"{module} has no file")
    return Path(found)


def fingerprint(module: str) -> str:
    """A hash of a module's source: results are of that source."""
    return hashlib.sha256(source_of(module).read_bytes()).hexdigest()[:12]


def mutants_of(module: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its source."""
    mutator = _Mutator(None)
    mutator.visit(ast.parse(source_of(module).read_text()))
    return [Mutant(module, place, line, slip, n) for n, (line, place, slip) in enumerate(mutator.found)]


def functions_of(module: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions of a module and of its classes, by name, as they were written: without what wraps them."""
    loaded = importlib.import_module(module)
    yield from _functions(vars(loaded), module, "")


def _functions(space: Any, module: str, prefix: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, value in list(space.items()):
        found = _bare(value)
        if isinstance(value, type) and value.__module__ == module and not prefix:
            yield from _functions(vars(value), module, f"{name}.")
        elif found is not None and found.__module__ == module:
            yield f"{prefix}{name}", found


def _bare(value: Any) -> types.FunctionType | None:
    for name in ("fget", "func", "__func__", "__wrapped__"):
        inner = getattr(value, name, None)
        if inner is not None and not isinstance(value, type):
            return _bare(inner)
    return value if isinstance(value, types.FunctionType) else None


def code_of(mutant: Mutant) -> types.CodeType | None:
    """The code of a mutant's function; None if the slip cannot be compiled there."""
    tree = copy.deepcopy(_parsed(mutant.module))
    _Mutator(mutant.number).visit(tree)
    ast.fix_missing_locations(tree)
    path = str(source_of(mutant.module))
    try:
        code = compile(tree, path, "exec")
    except (SyntaxError, ValueError):
        return None
    for name in mutant.place.split("."):
        inner = [c for c in code.co_consts if isinstance(c, types.CodeType) and c.co_name == name]
        if not inner:
            return None
        code = inner[0]
    return code


_TREES: dict[str, ast.Module] = {}


def _parsed(module: str) -> ast.Module:
    if module not in _TREES:
        _TREES[module] = ast.parse(source_of(module).read_text())
    return _TREES[module]
