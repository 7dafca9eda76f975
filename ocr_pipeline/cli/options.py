"""Options shared by the commands; flags are spelled as in the guide (``--batch_size``), and hyphens work too."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import click

from ocr_pipeline.data.datasets import DATASETS, PARTITIONS, SourcePartition
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.settings import Setting, Settings, Values, read, settings_in
from ocr_pipeline.storage.artifacts.lease import lease, lease_path
from ocr_pipeline.storage.artifacts.workspace import OUTPUT_VARIABLE, Workspace
from ocr_pipeline.storage.source.share import SOURCE_VARIABLE, Share

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def spellings(name: str) -> tuple[str, ...]:
    """``--a_b`` and, where they differ, ``--a-b``."""
    return tuple(dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}")))


def stacked(*options: Decorator) -> Decorator:
    """Several options as one, in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        return functools.reduce(lambda made, option: option(made), reversed(options), command)

    return decorate


def _source_option(share_at: Callable[[str], Share | None]) -> Decorator:
    return click.option(
        "--source",
        "share",
        envvar=SOURCE_VARIABLE,
        default="",
        help="Folder or fsspec URL of the AI-Hub sets.",
        show_envvar=True,
        callback=lambda context, option, source: share_at(source),
    )


def _share_at(source: str) -> Share:
    return Share.from_environment({SOURCE_VARIABLE: source})


def _chosen_partitions(_: click.Context, __: click.Parameter, names: Sequence[str]) -> list[SourcePartition]:
    chosen = []
    for name in names:
        found = [part for part in PARTITIONS.values() if name in (part.key, part.dataset.name)]
        if not found:
            raise click.BadParameter(f"{name!r} is none of: {', '.join(PARTITIONS)}")
        chosen += found
    return chosen or list(PARTITIONS.values())


source_option = _source_option(_share_at)
"""``--source``: the share, which has to be there."""
optional_source_option = _source_option(lambda source: _share_at(source) if source else None)
"""The same for who can do without one."""
output_option = click.option(
    "--output",
    "workspace",
    envvar=OUTPUT_VARIABLE,
    default="data",
    show_default=True,
    show_envvar=True,
    help="Folder or s3:// URL of all artifacts.",
    callback=lambda context, option, output: Workspace.at(output),
)
"""``--output``: the workspace of all artifacts."""
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace what stands at the output, whole.")
"""``--overwrite``: what stands at the output may go."""
partition_option = click.option(
    "--partition",
    "partitions",
    multiple=True,
    callback=_chosen_partitions,
    help="Partition (handwriting_train) or data set (handwriting); may be repeated. Default: all.",
)
"""``--partition``: which partitions; a data set's name stands for all of its partitions."""
dataset_option = click.option(
    "--dataset",
    "datasets",
    multiple=True,
    type=click.Choice([dataset.name for dataset in DATASETS]),
    help="A whole data set; may be repeated.",
)
workers_option = click.option(
    "--workers", type=click.IntRange(1), default=os.cpu_count(), show_default="all cores", help="Parallel workers."
)
on_partitions = stacked(source_option, output_option, partition_option)
"""What a stage works on, and where it publishes."""


def settings_options(
    settings: type[Settings], *, skip: Sequence[str] = (), variables_win: bool = False, called: str = "settings"
) -> Decorator:
    """One option per setting, with its type, default and help; the command is called with all of them, made.

    A variable counts where no flag is given.

    Args:
        variables_win: it counts in any case.
        called: the name of the command's parameter.
    """
    options = [each for each in settings_in(settings) if each.name not in skip]

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def command_with(**values: object) -> None:
            context, flags = click.get_current_context(), {each.name: values.pop(each.name) for each in options}
            given = {name: value for name, value in flags.items() if _is_given(context, name)}
            layers = (settings.read_environment(os.environ), given)
            _demand(options, {**layers[0], **given})
            made = settings.from_layers(*(reversed(layers) if variables_win else layers))
            command(**values, **{called: made})

        made: Callable[..., Any] = command_with
        for each in reversed(options):
            made = _option(each)(made)
        return made

    return decorate


def _demand(options: list[Setting], given: Values) -> None:
    """Refuse to begin where neither a flag nor a variable says what has no default."""
    for each in options:
        if each.is_required and each.name not in given:
            by_variable = f" (or the variable {each.variables[0]})" if each.variables else ""
            raise click.UsageError(f"Missing option '--{each.name}'{by_variable}.")


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _option(each: Setting) -> Decorator:
    names, default = spellings(each.name), None if each.is_required else each.default
    help_text = f"{each.help}  [env var: {', '.join(each.variables)}]" if each.variables else each.help
    if each.kind is bool:
        names += tuple(f" /{spelling}" for spelling in spellings(f"no_{each.name}"))
        return click.option(*names, each.name, default=default, help=help_text, show_default=True)
    return click.option(
        *names,
        each.name,
        type=SettingType(each),
        required=each.is_required and not each.variables,
        default=default,
        multiple=each.takes_many,
        show_default=default is not None,
        help=help_text,
    )


class SettingType(click.ParamType):
    """What a flag takes: just what its setting takes from anywhere."""

    def __init__(self, each: Setting) -> None:
        self.setting = dataclasses.replace(each, takes_many=False)
        self.name = "text" if each.kind in (None, str) else each.kind.__name__

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str | None:
        return f"[{'|'.join(self.setting.choices)}]" if self.setting.kind is None else None

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        try:
            return read(self.setting, value, f"--{self.setting.name}")
        except PipelineError as error:
            self.fail(f"{error.what}. {error.remedy}", param, ctx)


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
