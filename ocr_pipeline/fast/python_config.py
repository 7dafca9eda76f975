"""The published ``.py`` configurations of FAST read as data: parsed, never executed.

Such a file is a list of assignments of numbers, strings, lists, tuples, dictionaries and ``dict(...)`` calls that may
refer to names assigned above and do arithmetic. Anything else is refused.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ocr_pipeline.errors import PipelineError

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
_REMEDY = "Keep to assignments of plain values and dict(...), or write the configuration as YAML."


def read_python_config(path: Path) -> dict[str, Any]:
    """The names that the file assigns, with their values.

    Raises:
        PipelineError: the file is not there, is no Python, or does more than assign plain values.
    """
    try:
        statements = ast.parse(path.read_text(encoding="utf-8-sig"), filename=str(path)).body
    except FileNotFoundError as error:
        raise PipelineError("no such configuration", where=path, remedy="Check the path given as --config.") from error
    except (SyntaxError, UnicodeDecodeError) as error:
        raise PipelineError(f"the configuration cannot be parsed ({error})", where=path, remedy=_REMEDY) from error
    names: dict[str, Any] = {}
    for statement in statements:
        try:
            _assign(statement, names)
        except (_NotDataError, ArithmeticError, TypeError) as error:
            where = f"{path}, line {statement.lineno}"
            raise PipelineError(
                f"the configuration is read as data, but {error}", where=where, remedy=_REMEDY
            ) from error
    return names


class _NotDataError(Exception):
    pass


def _assign(statement: ast.stmt, names: dict[str, Any]) -> None:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            names[name] = _value(value, names)
        case ast.Expr(value=ast.Constant(value=str())):
            return  # a docstring
        case _:
            raise _NotDataError(f"this is no assignment: {ast.unparse(statement)[:60]}")


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.List(elts=items):
            return [_value(item, names) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item, names) for item in items)
        case ast.Dict(keys=keys, values=values) if all(keys):
            return {_value(key, names): _value(value, names) for key, value in zip(keys, values, strict=True) if key}
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords) if all(word.arg for word in keywords):
            return {word.arg: _value(word.value, names) for word in keywords}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _ARITHMETIC:
            return _ARITHMETIC[type(sign)](_value(left, names), _value(right, names))
    raise _NotDataError(f"this is no plain value: {ast.unparse(node)[:60]}")
