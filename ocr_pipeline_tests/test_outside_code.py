"""Nothing runs that came from outside: every door of transformers is told so, in so many words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import ocr_pipeline

SOURCES = [
    path for path in sorted(Path(ocr_pipeline.__file__).parent.rglob("*.py")) if "paddle_process" not in path.parts
]  # paddle's models are classes of its own
OF_PEFT = {"LoraConfig", "PeftModel"}  # they read JSON and weights, and know no code of models


def openings(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = getattr(owner, "id", "")
            is_auto = node.func.attr == "from_config" and name.startswith("Auto")
            if is_auto or (node.func.attr == "from_pretrained" and name not in OF_PEFT):
                yield node
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "pipeline":
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(Path(ocr_pipeline.__file__).parent)))
def test_code_of_a_model_is_never_trusted(path: Path):
    for call in openings(ast.parse(path.read_text(encoding="utf-8"))):
        told = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg == "trust_remote_code"}
        assert told == {"trust_remote_code": False}, f"{path}, line {call.lineno}"
