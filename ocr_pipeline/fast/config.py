"""What kind of detector to train, and how: one typed record, from YAML or from the published ``.py`` files."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.python_config import read_python_config

logger = logging.getLogger(__name__)

SHIPPED = Path(__file__).parent / "configs"
PUBLISHED = {
    "config/fast/ic15/fast_sample_finetune.py": "base_736.yaml",
    "config/fast/korean_ocr/multi_lmdb_config.py": "base_640.yaml",
}
"""Configurations that the guide's commands name, and the shipped ones that equal them."""
_REMEDY = "Compare it with the files in ocr_pipeline/fast/configs."

Pixels = Annotated[int, Meta(ge=1, le=4096)]  # no network sees more: `maps.pictures.MAX_SIDE`, which costs OpenCV
Rounds = Annotated[int, Meta(ge=1, le=1_000_000)]
Weight = Annotated[float, Meta(ge=0, le=1_000_000)]
Share = Annotated[float, Meta(ge=0, le=1)]
Factor = Annotated[float, Meta(gt=0, le=100)]


class Augmentation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Random changes of a training picture.

    Attributes:
        scale: smallest and largest factor on the short side.
        aspect: smallest and largest factor between width and height.
        rotation: largest angle either way, in degrees.
        perspective: how far each corner of the page may move, as a share of the page's sides, below 0.25: photos of
            sheets are seldom taken from straight above.
        flip: probability of mirroring left to right.
        blur: probability of a Gaussian blur of up to 1 pixel.
        brightness, contrast, saturation: largest relative change; hue: largest turn as a share of the circle.
        shadow: probability of a straight-edged shadow over part of the crop, as on photographed pages.
        jpeg: probability of JPEG compression at a quality of 30 to 90.
        tries: crops that are looked at for one that cuts no word; the more, the fewer words are in it.
    """

    scale: tuple[Factor, Factor] = (0.5, 2.0)
    aspect: tuple[Factor, Factor] = (0.9, 1.1)
    rotation: Annotated[float, Meta(ge=0, le=180)] = 30.0
    perspective: Annotated[float, Meta(ge=0, lt=0.25)] = 0.0
    flip: Share = 0.5
    blur: Share = 0.5
    brightness: Share = 0.4
    contrast: Share = 0.4
    saturation: Share = 0.4
    hue: Annotated[float, Meta(ge=0, le=0.5)] = 0.1
    shadow: Share = 0.0
    jpeg: Share = 0.0
    tries: Annotated[int, Meta(ge=1, le=1000)] = 20


class LearningRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where we differ from the published code on purpose; ``PUBLISHED_RULES`` are that code's.

    Attributes:
        max_words: words of a page that are learnt, the others become background; None for all.
        low_kernels: of a word so low that rounded shrinking leaves nothing of it: its ``thin`` middle line, or the
            ``whole`` word, which may then grow together with its neighbours.
        min_side: words whose shorter side is below this many pixels of the crop are masked, not learnt.
        coordinates: corners to whole pixels: ``rounded`` or ``truncated``.
        hash_words: words that begin with "#": ``learn`` or ``ignore``; illegible words are ignored anyway.
        textless: loss of a crop without text: ``bce`` on its background, or ``dice``, a constant that teaches nothing.
    """

    max_words: Annotated[int, Meta(ge=1)] | None = None
    low_kernels: Literal["thin", "whole"] = "thin"
    min_side: Weight = 2.0
    coordinates: Literal["rounded", "truncated"] = "rounded"
    hash_words: Literal["learn", "ignore"] = "learn"
    textless: Literal["bce", "dice"] = "bce"


PUBLISHED_RULES = LearningRules(200, "whole", 0.0, "truncated", "ignore", "dice")


_STRONG = Augmentation()
_SLIGHT = Augmentation(
    scale=(0.7, 1.3), rotation=10.0, blur=0.0, brightness=32 / 255, contrast=0.0, saturation=0.5, hue=0.0
)
PUBLISHED_CHANGES = {
    "IC15": _STRONG,
    "MSRA": msgspec.structs.replace(_STRONG, aspect=(1.0, 1.0)),
    "TT": msgspec.structs.replace(_STRONG, aspect=(1.0, 1.0)),
    "IC17MLT": _SLIGHT,
    "CTW": msgspec.structs.replace(_SLIGHT, aspect=(1.0, 1.0)),
}
"""What the published code does to the training pictures of a data set: that stands in its readers, not in a file."""
PUBLISHED_AVERAGE = 0.999
"""The decay of the moving average that the published code always takes."""


class FastConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A detector and its training; the defaults are those of the guide's fine-tuning.

    Attributes:
        variant: ``tiny``, ``small``, ``base`` or ``narrow``.
        pooling_size: pixels by which kernels are smaller than words; odd, 3 or more.
        dropout: of the head.
        img_size: side of the training crop; a multiple of 32.
        short_size: short side of the picture before augmentation, and at inference.
        batch_size: crops per step; epochs: passes over the data, each of ``repeat_times`` crops a picture.
        learning_rate: at the start; it falls as (1 - progress)^0.9 with each ``decay`` (step or epoch), or tenfold at
            each epoch in ``milestones``.
        warmup_steps: steps over which it first rises; clip_norm: largest gradient norm, 0 for none.
        ema_decay: of the moving average that is then evaluated and saved, 0 for none.
        ema_statistics: whether it averages the statistics of the batch norms too. The published one takes them live,
            from about the last ten batches, which small batches of unlike pages make noisy.
        side_branches: whether the vertical and horizontal branches of the blocks are trained too. Without them a step
            takes two thirds of the time on a CPU; they stay in the checkpoint, at rest.
        start_from: what a training begins with where no checkpoint is named: fresh weights (``nothing``), or those of
            FAST tiny that come with the package (``shipped``).
        loss_text, loss_kernel, loss_embedding: weights; embedding_version: 1 or 2.
        min_score, min_area, bbox_type: which boxes count, and their form.
        kernel_logit: from which on a pixel belongs to a kernel, 0 as published. A young network sees kernels too wide,
            and joins words; a higher one parts them. It is the new zero: ``min_score`` counts from there.
        box_growth: by how much of its area / perimeter a box grows at the end, 0 as published; what a higher
            ``kernel_logit`` takes from the boxes.
        dataset_weights: data set (``text_in_wild``) -> how often each of its pages is taken in one pass, for 1.
    """

    variant: str = "base"
    pooling_size: Annotated[int, Meta(ge=3, le=99)] = 9
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.1
    img_size: Pixels = 736
    short_size: Pixels = 736
    batch_size: Annotated[int, Meta(ge=1, le=65_536)] = 4
    epochs: Rounds = 20
    repeat_times: Rounds = 10
    learning_rate: Annotated[float, Meta(gt=0, le=1e38)] = 1e-3
    optimizer: Literal["Adam", "AdamW", "SGD"] = "Adam"
    decay: Literal["step", "epoch"] = "step"
    milestones: tuple[int, ...] = ()
    warmup_steps: Annotated[int, Meta(ge=0)] = 0
    clip_norm: Weight = 0.0
    ema_decay: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    ema_statistics: bool = False
    side_branches: bool = True
    start_from: Literal["nothing", "shipped"] = "nothing"
    loss_text: Weight = 0.5
    loss_kernel: Weight = 1.0
    loss_embedding: Weight = 0.25
    embedding_version: Literal[1, 2] = 1
    min_score: Weight = 0.8
    min_area: Weight = 250.0
    bbox_type: Literal["rect", "poly"] = "rect"
    kernel_logit: Annotated[float, Meta(ge=-100, le=100)] = 0.0
    box_growth: Annotated[float, Meta(ge=0, le=10)] = 0.0
    augmentation: Augmentation = Augmentation()
    rules: LearningRules = LearningRules()
    dataset_weights: dict[str, Weight] = {}

    def __post_init__(self) -> None:
        if self.pooling_size % 2 == 0:
            raise ValueError(f"pooling_size is {self.pooling_size}, but must be odd")
        if self.img_size % 32:
            raise ValueError(f"img_size is {self.img_size}, but must be a multiple of 32")


def read_config(path: Path) -> FastConfig:
    """Read a ``.yaml`` file of ``FastConfig``'s fields, or a published ``.py`` configuration.

    A bare name may be that of a shipped one, such as ``korean_736.yaml``; the names in the guide's commands stand for
    those that equal them.

    Raises:
        PipelineError: the file is not there, or a field is unknown, of the wrong type or out of range.
    """
    path = find_config(Path(path))
    fields = _from_published(read_python_config(path), path) if path.suffix == ".py" else _read_yaml(path)
    return config_from(fields, path)


def shipped_configs() -> list[str]:
    """The names of those that come with the package."""
    return sorted(path.name for path in SHIPPED.glob("*.yaml"))


def find_config(path: Path) -> Path:
    """Where the configuration lies; a bare name may be a shipped one's, and the guide's own have their equals.

    Raises:
        PipelineError: there is none of this name.
    """
    if path.exists():
        return path
    if str(path) in shipped_configs():
        return SHIPPED / path
    for published, ours in PUBLISHED.items():
        if path.as_posix().endswith(published):
            logger.info("%s is not here; %s, which comes with the package, equals it", path, ours)
            return SHIPPED / ours
    raise PipelineError(
        "no such configuration",
        where=path,
        remedy=f"Check the path given as --config, or take a shipped one: {', '.join(shipped_configs())}.",
    )


def config_from(fields: dict[str, Any], where: object) -> FastConfig:
    """Check plain values, as read from YAML or from a checkpoint, and make the record of them."""
    try:
        return msgspec.convert(fields, FastConfig, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        raise PipelineError(f"the configuration is wrong ({error})", where=where, remedy=_REMEDY) from error


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, IsADirectoryError) as error:
        raise PipelineError(f"the configuration is no YAML ({error})", where=path, remedy=_REMEDY) from error
    if not isinstance(fields, dict):
        raise PipelineError("the configuration holds no fields", where=path, remedy=_REMEDY)
    return fields


def _from_published(names: dict[str, Any], path: Path) -> dict[str, Any]:
    """``model``, ``data``, ``train_cfg`` and ``test_cfg`` to our fields; what a file leaves out keeps our default.

    For a data set of the published code it means its changes of the pictures, and its moving average.
    """
    model, data = names.get("model") or {}, names.get("data") or {}
    head, train = model.get("detection_head") or {}, data.get("train") or {}
    schedule, test = names.get("train_cfg") or {}, names.get("test_cfg") or {}
    embedding = head.get("loss_emb") or {}
    changes = PUBLISHED_CHANGES.get(str(train.get("type")).removeprefix("FAST_"))
    fields = {
        "variant": _published_variant(model, path),
        "pooling_size": head.get("pooling_size"),
        "dropout": head.get("dropout_ratio", 0.0),
        "img_size": train.get("img_size"),
        "short_size": train.get("short_size") or (data.get("test") or {}).get("short_size"),
        "batch_size": data.get("batch_size"),
        "epochs": schedule.get("epoch"),
        "repeat_times": train.get("repeat_times", names.get("repeat_times")),
        "learning_rate": schedule.get("lr"),
        "optimizer": schedule.get("optimizer"),
        "milestones": schedule["schedule"] if isinstance(schedule.get("schedule"), tuple | list) else None,
        "loss_text": (head.get("loss_text") or {}).get("loss_weight"),
        "loss_kernel": (head.get("loss_kernel") or {}).get("loss_weight"),
        "loss_embedding": embedding.get("loss_weight"),
        "embedding_version": {"EmbLoss_v1": 1, "EmbLoss_v2": 2}.get(embedding.get("type", "")),
        "min_score": test.get("min_score"),
        "min_area": test.get("min_area"),
        "bbox_type": test.get("bbox_type"),
        "augmentation": msgspec.to_builtins(changes) if changes else None,
        "ema_decay": PUBLISHED_AVERAGE if changes else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _published_variant(model: dict[str, Any], path: Path) -> str:
    """The variant that the backbone's configuration is named after (``nas-configs/fast_base.config``)."""
    named = str((model.get("backbone") or {}).get("config", ""))
    match = re.search(r"fast_(tiny|small|base)", named)
    if model.get("type") != "FAST" or match is None:
        raise PipelineError(
            f"this is no configuration of a FAST detector (backbone {named!r})", where=path, remedy=_REMEDY
        )
    return match[1]
