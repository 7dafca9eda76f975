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
_LONGEST, _LARGEST = 200_000, 1e18  # characters of a file; numbers
_REMEDY = "Keep to assignments of plain values and dict(...), or write the configuration as YAML."


def read_python_config(path: Path) -> dict[str, Any]:
    """The names that the file assigns, with their values.

    Raises:
        PipelineError: the file is not there, is no Python, or does more than assign plain values.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if len(text) > _LONGEST:
            raise SyntaxError(f"it has {len(text)} characters, {_LONGEST} at most are read")
        statements = ast.parse(text, filename=str(path)).body
    except FileNotFoundError as error:
        raise PipelineError("no such configuration", where=path, remedy="Check the path given as --config.") from error
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise PipelineError(f"the configuration cannot be parsed ({error})", where=path, remedy=_REMEDY) from error
    names: dict[str, Any] = {}
    for statement in statements:
        try:
            _assign(statement, names)
        except (_NotDataError, ArithmeticError, TypeError, RecursionError) as error:
            where = f"{path}, line {statement.lineno}"
            raise PipelineError(
                f"the configuration is read as data, but {error}", where=where, remedy=_REMEDY
            ) from error
    return names


def _computed(sign: ast.operator, left: Any, right: Any) -> Any:
    """Arithmetic that cannot last: on numbers of a usual size, and on texts and lists that stay short."""
    one, other = (abs(value) if isinstance(value, int | float) else len(value) for value in (left, right))
    are_numbers = isinstance(left, int | float) and isinstance(right, int | float)
    size = max(one, other) if are_numbers else one + other if isinstance(sign, ast.Add) else one * other
    if size > (_LARGEST if are_numbers else _LONGEST):
        raise _NotDataError("its arithmetic leads to what no configuration needs")
    return _ARITHMETIC[type(sign)](left, right)


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
            return _computed(sign, _value(left, names), _value(right, names))
    raise _NotDataError(f"this is no plain value: {ast.unparse(node)[:60]}")
