"""Options shared by the commands; flags are spelled as in the guide (``--batch_size``).

Hyphens work too: the group makes one spelling of both.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from ocr_pipeline.cli.dotenv import of_dotenv
from ocr_pipeline.cli.output import say
from ocr_pipeline.data.datasets import EVERY_PARTITION, PARTITIONS, SourcePartition
from ocr_pipeline.devices.machine import machine_cpus
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import nfc
from ocr_pipeline.settings import Setting, Settings, Values, demand_spelled, no_such, read, settings_in
from ocr_pipeline.storage.artifacts.workspace import OUTPUT_VARIABLE, Workspace
from ocr_pipeline.storage.source.share import SOURCE_VARIABLE, Share

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_SETS = list(dict.fromkeys(part.dataset.name for part in EVERY_PARTITION.values()))
_NAMES = [*_SETS, *EVERY_PARTITION]


def stacked(*options: Decorator) -> Decorator:
    """Several options as one, in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        return functools.reduce(lambda made, option: option(made), reversed(options), command)

    return decorate


def together(called: str, *names: str) -> Decorator:
    """Several options as one parameter of the command: a dictionary, which a stage takes as its keywords."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def command_with(**values: object) -> None:
            gathered = {name: values.pop(name) for name in names}
            command(**values, **{called: gathered})

        return command_with

    return decorate


def _source_option(share_at: Callable[[str], Share | None]) -> Decorator:
    return click.option(
        "--source",
        "share",
        envvar=SOURCE_VARIABLE,
        default="",
        help="Folder or fsspec URL of the AI-Hub sets.",
        show_envvar=True,
        callback=lambda context, option, source: None if _all_drawn(context) else share_at(source),
    )


def _all_drawn(context: click.Context) -> bool:
    chosen: Sequence[SourcePartition] = context.params.get("partitions") or ()
    return bool(chosen) and all(partition.dataset.is_drawn for partition in chosen)


def _share_at(source: str) -> Share:
    return Share.from_environment({**os.environ, SOURCE_VARIABLE: source})


def _completed(names: Iterable[str]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Completes a value that is one of these names."""
    return lambda context, option, begun: [name for name in names if name.startswith(begun)]


def _chosen_partitions(_: click.Context, __: click.Parameter, names: Sequence[str]) -> list[SourcePartition]:
    return _named_partitions(_, __, names) or list(PARTITIONS.values())


def _named_partitions(_: click.Context, __: click.Parameter, names: Sequence[str]) -> list[SourcePartition]:
    chosen = []
    for name in (part for given in names for part in given.split(",")):
        found = [part for part in EVERY_PARTITION.values() if name in (part.key, part.dataset.name)]
        if not found:
            raise click.BadParameter(f"{name!r} is no partition or data set. {_meant(name, _NAMES)}")
        chosen += found
    return chosen


def _meant(name: str, known: list[str]) -> str:
    """Which of the names was meant, as a sentence; the data sets have Korean ones besides."""
    titled = {part.dataset.name for part in EVERY_PARTITION.values() if nfc(name) in part.dataset.title}
    return f"Did you mean {titled.pop()}?" if len(titled) == 1 else no_such(name, known, "").remedy


def _named_sets(_: click.Context, __: click.Parameter, names: Sequence[str]) -> Sequence[str]:
    for name in names:
        if name not in _SETS:
            raise click.BadParameter(f"{name!r} is no data set. {_meant(name, _SETS)}")
    return names


def _workspace_at(context: click.Context, option: click.Parameter, output: str) -> Workspace:
    if context.get_parameter_source("workspace") is click.core.ParameterSource.DEFAULT:
        demand_spelled([OUTPUT_VARIABLE], os.environ)
    return Workspace.at(output)


source_option = _source_option(_share_at)
"""``--source``: the share, which has to be there."""
optional_source_option = _source_option(lambda source: _share_at(source) if source else None)
"""The same for who can do without one."""
_workspace_option = click.option(
    "--output",
    "workspace",
    envvar=OUTPUT_VARIABLE,
    default="data",
    show_default=True,
    show_envvar=True,
    help="Folder or s3:// URL of all artifacts.",
    callback=_workspace_at,
)


def output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--output``: the workspace of all artifacts; before the work, one line says where from and where to."""

    @functools.wraps(command)
    def told(*arguments: object, **values: Any) -> object:
        _say_places(values.get("share"), values["workspace"])
        return command(*arguments, **values)

    return _workspace_option(told)


def _say_places(share: Share | None, workspace: Workspace) -> None:
    source = f"source {share.place}{of_dotenv(SOURCE_VARIABLE)}, " if share else ""
    say(f"{source}output {workspace.root}{of_dotenv(OUTPUT_VARIABLE)}", err=True)


def demand_output(workspace: Workspace) -> None:
    """Refuse to look into a folder that is not there: an empty table would read as if nothing were wrong.

    Raises:
        PipelineError: there is no such folder.
    """
    if not workspace.root.is_dir():
        raise PipelineError(
            "there is no output folder",
            where=workspace.root,
            remedy=f"Set {OUTPUT_VARIABLE} or --output to the folder of the artifacts, or make them: "
            "`ocr-pipeline merge`, then the next steps.",
        )


overwrite_option = click.option("--overwrite", is_flag=True, help="Replace what stands at the output, whole.")
"""``--overwrite``: what stands at the output may go."""
_partition_option = functools.partial(
    click.option,
    "--partition",
    "partitions",
    multiple=True,
    is_eager=True,  # what is drawn needs no source
    shell_complete=_completed(_NAMES),
)
_A_PARTITION = "Partition (handwriting_train) or data set (handwriting); several by commas, or repeated."
partition_option = _partition_option(callback=_chosen_partitions, help=f"{_A_PARTITION} Default: all of the share.")
"""``--partition``: which partitions; a data set's name stands for all of its partitions."""
named_partition_option = _partition_option(callback=_named_partitions, help=_A_PARTITION)
"""The same, and none where none is named."""
dataset_option = click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar=f"[{'|'.join(_SETS)}]",
    callback=_named_sets,
    shell_complete=_completed(_SETS),
    help="A whole data set; may be repeated.",
)
workers_option = click.option(
    "--workers", type=click.IntRange(1), default=machine_cpus, show_default="all cores", help="Parallel workers."
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
    name, default = f"--{each.name}", None if each.is_required else each.default
    help_text = f"{each.help}  [env var: {', '.join(each.variables)}]" if each.variables else each.help
    if each.kind is bool:
        return click.option(f"{name}/--no_{each.name}", each.name, default=default, help=help_text, show_default=True)
    return click.option(
        name,
        each.name,
        type=SettingType(each),
        required=each.is_required and not each.variables,
        default=default,
        multiple=each.takes_many,
        show_default=default is not None,
        help=help_text,
    )


class NamedPath(click.Path):
    """A path that is not empty: a variable that the shell does not know would stand for the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("The path is empty. The current folder is called .", param, ctx)
        return super().convert(value, param, ctx)


class SettingType(click.ParamType):
    """What a flag takes: just what its setting takes from anywhere."""

    def __init__(self, each: Setting) -> None:
        self.setting = dataclasses.replace(each, takes_many=False)
        self.name = "text" if each.kind in (None, str) else each.kind.__name__

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str | None:
        return f"[{'|'.join(self.setting.choices)}]" if self.setting.kind is None else None

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        if self.setting.kind is Path and not self.setting.choices:
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(choice) for choice in self.setting.choices if choice.startswith(incomplete)]

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        try:
            return read(self.setting, value, f"--{self.setting.name}")
        except PipelineError as error:
            self.fail(f"{error.what}. {error.remedy}", param, ctx)
