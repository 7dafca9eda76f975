"""What the models in use are worth, beside others."""

import dagster as dg

from ocr_pipeline import judging
from ocr_pipeline.judging.settings import Judging
from ocr_pipeline.orchestration.assets.stage_asset import stage_asset
from ocr_pipeline.orchestration.execution.demands import MODEL
from ocr_pipeline.orchestration.launchpad import chosen, launchpad
from ocr_pipeline.orchestration.metadata import counts_metadata, markdown_table
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run

_PARTITIONS = dg.Field(
    [str], default_value=[], description="Whose validation pages; none named: of all that are published."
)


@stage_asset(
    "judgement", "html", judging.CODE_VERSION, MODEL, config_schema={**launchpad(Judging), "partitions": _PARTITIONS}
)
def judgement(context: dg.AssetExecutionContext, locations: Locations) -> dg.MaterializeResult:
    """The champions on the validation pages, beside those before them and the shipped weights, unless others are named.

    Nothing is done where the same was judged before.
    """
    workspace = locations.workspace
    with stage_run(context):
        settings = chosen(Judging, context, contestant=judging.usual_contestants(workspace))
        partitions = context.op_execution_context.op_config["partitions"]
        manifest = judging.judge_champions(workspace, partitions, settings)
        found = judging.read_judgement(workspace.judgement)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(manifest.fingerprint),
        metadata={
            **{name: round(value, 5) for name, value in manifest.metrics.items()},
            **counts_metadata(manifest.counts),
            "scores": _scores(found),
            "page": dg.MetadataValue.path(workspace.judgement / judging.PAGE),
            "errors": dg.MetadataValue.json(found.errors),
        },
    )


def _scores(found: judging.Judgement) -> dg.MetadataValue:
    """A line for each measure, a column for each contestant."""
    names = [entry.name for entry in found.contestants]
    rows = [
        (measure, *(judging.estimate_text(estimates[name]) if name in estimates else "" for name in names))
        for measure, estimates in found.measures.items()
    ]
    return markdown_table(("measure", *names), rows)
