from __future__ import annotations

from pathlib import Path

import pytest

import ocr_pipeline.fast
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import FastConfig, FastTraining, read_config

PUBLISHED = """
# fine-tuning
repeat_times = 10
model = dict(
    type='FAST',
    backbone=dict(type='fast_backbone', config='/somewhere/nas-configs/fast_base.config'),
    neck=dict(type='fast_neck', config='/somewhere/nas-configs/fast_base.config'),
    detection_head=dict(
        type='fast_head', config='x', pooling_size=9, dropout_ratio=0.1,
        loss_text=dict(type='DiceLoss', loss_weight=0.5),
        loss_kernel=dict(type='DiceLoss', loss_weight=1.0),
        loss_emb=dict(type='EmbLoss_v2', feature_dim=4, loss_weight=0.25),
    ))
data = dict(
    batch_size=4,
    train=dict(type='FAST_LMDB', split='train', is_transform=True, img_size=736, short_size=736,
               pooling_size=9, read_type='cv2', repeat_times=repeat_times),
    test=dict(type='FAST_IC15', split='test', short_size=736, read_type='cv2'))
train_cfg = dict(lr=1e-3, schedule='polylr', epoch=200 // repeat_times, optimizer='Adam', pretrain=None,
                 save_interval=10 // repeat_times)
test_cfg = {'min_score': 0.88, 'min_area': 250, 'bbox_type': 'poly', 'result_path': 'outputs/' + 'a.zip'}
"""


def test_a_published_configuration_is_read_as_data(tmp_path: Path):
    (tmp_path / "a.py").write_text(PUBLISHED)
    assert read_config(tmp_path / "a.py") == FastConfig(
        variant="base", embedding_version=2, epochs=20, min_score=0.88, bbox_type="poly"
    )


@pytest.mark.parametrize(
    ("dataset", "rotation", "scale", "aspect"),
    [
        ("FAST_IC15", 30, (0.5, 2.0), (0.9, 1.1)),
        ("FAST_MSRA", 30, (0.5, 2.0), (1.0, 1.0)),
        ("FAST_IC17MLT", 10, (0.7, 1.3), (0.9, 1.1)),
        ("FAST_CTW", 10, (0.7, 1.3), (1.0, 1.0)),
    ],
)
def test_a_published_configuration_trains_as_the_published_code_does(tmp_path: Path, dataset, rotation, scale, aspect):
    (tmp_path / "a.py").write_text(PUBLISHED.replace("FAST_LMDB", dataset))
    config = read_config(tmp_path / "a.py")
    changes = config.augmentation
    assert (changes.rotation, changes.scale, changes.aspect, config.ema_decay) == (rotation, scale, aspect, 0.999)
    assert (changes.blur > 0) == (changes.contrast > 0) == (rotation == 30)


def test_a_configuration_for_inference_alone_keeps_the_other_defaults(tmp_path: Path):
    text = (
        "model = dict(type='FAST', backbone=dict(config='fast_tiny.config'), detection_head=dict(pooling_size=15))\n"
        "data = dict(test=dict(short_size=640))\n"
    )
    (tmp_path / "a.py").write_text(text)
    expected = FastConfig(variant="tiny", pooling_size=15, dropout=0.0, short_size=640)
    assert read_config(tmp_path / "a.py") == expected


@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "x = __import__('os').system('touch ran')",
        "x = open('ran', 'w')",
        "x = [y for y in (1, 2)]",
        "x = dict(**{'a': 1})",
        "x = unknown",
        "x = 1 / 0",
        "x.y = 1",
        "x = (lambda: 1)()",
        "x = (",
    ],
)
def test_whatever_is_not_data_is_refused_with_its_line_and_not_run(tmp_path: Path, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text(f"a = 1\n{line}\n")
    with pytest.raises(PipelineError, match="line 2"):
        read_config(tmp_path / "a.py")
    assert not (tmp_path / "ran").exists()


def test_shipped_configurations_are_valid():
    folder = Path(ocr_pipeline.fast.__file__).parent / "configs"
    configs = {path.stem: read_config(path) for path in folder.glob("*.yaml")}
    assert configs["base_736"] == FastConfig()
    assert configs["tiny_736"] == FastConfig(variant="tiny")
    assert configs["narrow_demo"].variant == "narrow"
    changes = configs["korean_736"].augmentation
    assert all((changes.perspective, changes.blur, changes.jpeg, changes.shadow)) and 0 < changes.rotation <= 10


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("learning_rat: 1", "learning_rat"),
        ("epochs: many", "epochs"),
        ("pooling_size: 8", "must be odd"),
        ("img_size: 300", "multiple of 32"),
        ("batch_size: 0", "batch_size"),
        ("batch_size: 1000000000", "batch_size"),
        ("pooling_size: 1000000001", "pooling_size"),
        ("img_size: 32000000000", "img_size"),
        ("short_size: -736", "short_size"),
        ("short_size: large", "short_size"),
        ("epochs: 1000000000000", "epochs"),
        ("learning_rate: .nan", "learning_rate"),
        ("min_score: .inf", "min_score"),
        ("augmentation: {tries: 1000000000}", "tries"),
        ("augmentation: {scale: [0, 1]}", "scale"),
        ("dataset_weights: {handwriting: -1}", "dataset_weights"),
        ("bbox_type: circle", "bbox_type"),
        ("- 1", "no fields"),
        ("a: [", "no YAML"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, text, complaint):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(PipelineError, match=complaint):
        read_config(tmp_path / "a.yaml")


def test_a_shipped_configuration_is_found_by_its_name(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_config(Path("tiny_736.yaml")).variant == "tiny"
    Path("tiny_736.yaml").write_text("variant: narrow\n")
    assert read_config(Path("tiny_736.yaml")).variant == "narrow"


def test_a_missing_file_is_named(tmp_path: Path):
    for name in ("none.yaml", "none.py"):
        with pytest.raises(PipelineError, match=name):
            read_config(tmp_path / name)


def test_flags_override_the_file(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("batch_size: 4\nlearning_rate: 1e-3\n")
    settings = FastTraining(config=tmp_path / "a.yaml", output_dir=tmp_path, batch_size=8, img_size=64)
    assert settings.effective_config() == FastConfig(batch_size=8, img_size=64)


@pytest.mark.parametrize(
    "text",
    [
        "a = 10\n" + "a = a * a\n" * 25,
        "a = [0] * 10 ** 10",
        "a = [0] * 9999999999",
        "a = 'x' * 100000\nb = a * 1000",
        "a = " + "-" * 5000 + "1",
        "a = " + "1+" * 20000 + "1",
        "a = " + "[" * 5000 + "]" * 5000,
    ],
)
def test_a_configuration_cannot_compute_for_long(tmp_path: Path, text: str):
    (tmp_path / "c.py").write_text(text)
    with pytest.raises(PipelineError, match="configuration"):
        read_config(tmp_path / "c.py")
