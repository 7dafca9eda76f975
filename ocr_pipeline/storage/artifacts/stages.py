"""The stages: what is made, of what, and where it lies. Whoever goes through all of them reads this table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ocr_pipeline.storage.artifacts.workspace import Workspace

Job = Literal["data", "review", "training", "inference", "judging"]


class Named(Protocol):
    @property
    def name(self) -> str: ...


class Partition(Protocol):
    """What a table of artifacts has to know of a source partition."""

    @property
    def key(self) -> str: ...
    @property
    def dataset(self) -> Named: ...
    @property
    def splits(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class Stage:
    """One asset.

    Attributes:
        korean: what it is, in a Korean sentence: Dagster's names and tags take no Hangul.
        job: with which others it is run.
        group: under which it stands in the graph.
        needs: the stages whose artifacts it is made from.
        each: where its artifacts of a source partition may lie; once: where its only artifact lies.
        sets_aside: whether a quarantine stands beside them.
        command: the verb of the command line that makes it.
    """

    name: str
    korean: str
    job: Job
    group: str
    needs: tuple[str, ...] = ()
    each: Callable[[Workspace, Partition], Sequence[Path]] | None = None
    once: Callable[[Workspace], Path] | None = None
    sets_aside: bool = False
    command: str = ""

    def artifacts(self, workspace: Workspace, partitions: Iterable[Partition] = ()) -> list[Path]:
        """Where its artifacts of some partitions may lie; its only one, whatever the partitions, where there is one."""
        found = [self.once(workspace)] if self.once else []
        return found + [path for one in partitions for path in (self.each(workspace, one) if self.each else ())]


def _crops(workspace: Workspace, of: Partition) -> list[Path]:
    """In either format."""
    return [workspace.annotations(of.dataset.name, split, form) for split in of.splits for form in ("lmdb", "jsonl")]


def _layouts(workspace: Workspace, of: Partition) -> list[Path]:
    return [workspace.layout_lmdb(of.dataset.name, split) for split in of.splits]


_PAGES = ("merged_json", "lookup")

_TABLE = (
    Stage(
        "merged_json",
        "원본 라벨 JSON을 데이터셋과 분할마다 하나로 합칩니다 (가이드 2단계).",
        "data",
        "labels",
        (),
        lambda ws, of: [ws.merged_json(of.key)],
        sets_aside=True,
        command="merge",
    ),
    Stage(
        "lookup",
        "이미지 파일 이름에서 경로를 찾는 조회표 (가이드 3단계).",
        "data",
        "labels",
        ("merged_json",),
        lambda ws, of: [ws.lookup(of.key)],
        sets_aside=True,
        command="lookup",
    ),
    Stage(
        "annotations",
        "인식 학습에 쓰는 단어 크롭과 글자, LMDB 또는 JSONL (가이드 4단계).",
        "data",
        "recognition",
        _PAGES,
        _crops,
        sets_aside=True,
        command="annotations",
    ),
    Stage(
        "data_quality",
        "데이터를 믿고 학습해도 되는지: 개수, 드문 글자, 학습과 검증의 중복.",
        "data",
        "quality",
        (*_PAGES, "annotations"),
        lambda ws, of: [ws.quality(of.key)],
        command="quality",
    ),
    Stage(
        "label_suspects",
        "모델이 달리 읽어서 틀렸을지도 모르는 라벨, 사람이 볼 차례로.",
        "review",
        "quality",
        _PAGES,
        lambda ws, of: [ws.suspects(of.key)],
        sets_aside=True,
        command="suspects",
    ),
    Stage(
        "layout_lmdb",
        "검출 학습에 쓰는 페이지와 레이아웃 (가이드 5단계).",
        "data",
        "detection",
        _PAGES,
        _layouts,
        sets_aside=True,
        command="layout",
    ),
    Stage(
        "fast_checkpoint",
        "학습한 FAST 글자 검출기 (가이드 6단계).",
        "training",
        "detection",
        ("layout_lmdb", "data_quality"),
        once=lambda ws: ws.fast_checkpoint,
    ),
    Stage(
        "fast_champion",
        "지금 쓰는 검출기. 새 체크포인트는 더 나쁘지 않을 때만 자리를 이어받습니다.",
        "training",
        "detection",
        ("fast_checkpoint",),
        once=lambda ws: ws.fast_champion,
    ),
    Stage(
        "dlora_checkpoint",
        "학습한 TrOCR(DLoRA) 글자 인식기 (가이드 8단계).",
        "training",
        "recognition",
        ("annotations", "data_quality"),
        once=lambda ws: ws.dlora_checkpoint,
    ),
    Stage(
        "dlora_champion",
        "지금 쓰는 인식기. 새 체크포인트는 더 나쁘지 않을 때만 자리를 이어받습니다.",
        "training",
        "recognition",
        ("dlora_checkpoint",),
        once=lambda ws: ws.dlora_champion,
    ),
    Stage(
        "detections",
        "`inbox/pages`의 페이지에서 찾은 단어 (가이드 7단계).",
        "inference",
        "inference",
        ("fast_champion",),
        once=lambda ws: ws.detections,
    ),
    Stage(
        "predictions",
        "`inbox/words`의 단어 이미지를 읽은 CSV (가이드 9단계).",
        "inference",
        "inference",
        ("dlora_champion",),
        once=lambda ws: ws.predictions,
    ),
    Stage(
        "readings",
        "`inbox/pages`의 페이지를 읽은 텍스트와 검색되는 PDF.",
        "inference",
        "inference",
        ("fast_champion", "dlora_champion"),
        once=lambda ws: ws.readings,
    ),
    Stage(
        "judgement",
        "라벨이 있는 페이지로 잰 모델의 실력.",
        "judging",
        "judging",
        ("layout_lmdb", "fast_champion", "dlora_champion"),
        once=lambda ws: ws.judgement,
    ),
)

STAGES = {stage.name: stage for stage in _TABLE}
"""All stages by name; what a stage needs stands before it."""


def stages_of(job: Job) -> list[str]:
    """The names of what is run together."""
    return [stage.name for stage in _TABLE if stage.job == job]
