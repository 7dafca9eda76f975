"""Options shared by the commands; flags are spelled as in the guide (``--batch_size``), and hyphens work too."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click

from ocr_pipeline.data.datasets import PARTITIONS, SourcePartition
from ocr_pipeline.storage.artifacts.lease import lease, lease_path
from ocr_pipeline.storage.artifacts.workspace import OUTPUT_VARIABLE, Workspace
from ocr_pipeline.storage.source.share import SOURCE_VARIABLE

DEFAULT_BASE = "ddobokki/ko-trocr"
"""The model of the guide, which reads where nothing else is given."""

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def spellings(name: str) -> tuple[str, ...]:
    """``--a_b`` and, where they differ, ``--a-b``."""
    return tuple(dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}")))


def source_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--source``: the share."""
    return click.option(
        "--source",
        envvar=SOURCE_VARIABLE,
        default="",
        help="Folder or fsspec URL of the AI-Hub sets.",
        show_envvar=True,
    )(command)


def output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--output``: the folder of all artifacts."""
    return click.option(
        "--output",
        envvar=OUTPUT_VARIABLE,
        default="data",
        show_default=True,
        show_envvar=True,
        help="Folder or s3:// URL of all artifacts.",
    )(command)


def partition_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--partition``: which partitions; a data set's name stands for all of its partitions."""
    return click.option(
        "--partition",
        "partitions",
        multiple=True,
        callback=_chosen_partitions,
        help="Partition (handwriting_train) or data set (handwriting); may be repeated. Default: all.",
    )(command)


def _chosen_partitions(_: click.Context, __: click.Parameter, names: Sequence[str]) -> list[SourcePartition]:
    chosen = []
    for name in names:
        found = [part for part in PARTITIONS.values() if name in (part.key, part.dataset.name)]
        if not found:
            raise click.BadParameter(f"{name!r} is none of: {', '.join(PARTITIONS)}")
        chosen += found
    return chosen or list(PARTITIONS.values())


def settings_options(settings: type, *, skip: Sequence[str] = ()) -> Decorator:
    """One option per field of a settings dataclass, with its type, default and documentation."""
    fields = [field for field in dataclasses.fields(settings) if field.name not in skip]
    hints, helps = typing.get_type_hints(settings), _attribute_docs(settings)

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for field in reversed(fields):
            command = _field_option(field, hints[field.name], helps.get(field.name, ""))(command)
        return command

    return decorate


def _field_option(field: dataclasses.Field, hint: Any, help_text: str) -> Decorator:
    required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    default = None if required else _default(field)
    names = spellings(field.name)
    if hint is bool:
        off = (f" /{spelling}" for spelling in spellings(f"no_{field.name}"))
        flags = (*names, *off)
        return click.option(*flags, field.name, default=default, help=help_text, show_default=True)
    return click.option(
        *names,
        field.name,
        type=_click_type(hint),
        required=required,
        default=default,
        show_default=default is not None,
        help=help_text,
    )


def _default(field: dataclasses.Field) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _click_type(hint: Any) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    if typing.get_origin(hint) is typing.Literal:
        return click.Choice([str(value) for value in typing.get_args(hint)])
    return {int: int, float: float, Path: click.Path(path_type=Path)}.get(hint, str)


def _attribute_docs(settings: type) -> dict[str, str]:
    """Help texts from the ``Attributes:`` section of the docstring (``a, b: text`` documents both)."""
    text = inspect.getdoc(settings) or ""
    section = text.partition("Attributes:\n")[2]
    docs: dict[str, str] = {}
    for match in re.finditer(r"^ {4}([\w, ]+): (.*(?:\n {8}.*)*)", section, re.MULTILINE):
        for name in match[1].split(", "):
            docs[name.strip()] = re.sub(r"\s+", " ", match[2]).replace("``", "")
    return docs


def leased(
    workspace: Workspace, asset: str, partitions: Iterable[SourcePartition], *, makes_folder: bool = False
) -> Iterator[SourcePartition]:
    """The partitions one after the other, each under the lease of its artifact for as long as it is worked on.

    A run of Dagster, or another command, that wants the same artifact waits, and so does this one for them.

    Args:
        makes_folder: the output folder need not be there; a stage that needs what another published says so itself,
            and then nothing shall have been written.
    """
    for partition in partitions:
        is_lent = makes_folder or workspace.root.exists()
        with artifact_lease(workspace, asset, partition) if is_lent else nullcontext():
            yield partition


def artifact_lease(workspace: Workspace, asset: str, partition: SourcePartition) -> AbstractContextManager[None]:
    """The lease of one artifact, in the name of the command line."""
    return lease(lease_path(workspace, asset, partition.key), f"ocr-pipeline, {asset} {partition.key}")
