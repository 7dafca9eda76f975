import subprocess
import sys

import pytest

from ocr_pipeline.data.layout_lmdb import LayoutSettings, NoLayout, open_engine
from ocr_pipeline.errors import PipelineError


def test_settings_read_the_names_people_know():
    environment = {
        "FAST_LAYOUT_MODEL": "PP-DocLayoutV2",
        "FAST_LAYOUT_DEVICE": "gpu:1",
        "FAST_TABLE_DEVICE": "cpu",
        "FAST_TABLE_LAYOUT_THR": "0.25",
        "FAST_DEBUG": "1",
    }
    settings = LayoutSettings.from_environment(environment)
    assert (settings.model, settings.device, settings.table_device) == ("PP-DocLayoutV2", "gpu:1", "cpu")
    assert (settings.threshold_of("table"), settings.threshold_of("text")) == (0.25, 0.5)
    assert settings.limit == 500 and settings.debug and not settings.cpu_fallback
    assert LayoutSettings.from_environment({"FAST_LAYOUT_DEVICE": "gpu:0,gpu:2"}).device == "gpu:0,gpu:2"
    assert LayoutSettings.from_environment({"FAST_LAYOUT_DEVICE": "cuda"}).device in ("cuda", "gpu")


def test_nothing_set_is_no_model_and_no_limit():
    settings = LayoutSettings.from_environment({"FAST_DEBUG": "0"})
    assert settings == LayoutSettings() and settings.limit is None
    assert isinstance(open_engine(settings), NoLayout)


@pytest.mark.parametrize(
    "wrong",
    [
        {"FAST_LAYOUT_DEVICE": "tpu"},
        {"FAST_TABLE_DEVICE": "gpu:x"},
        {"FAST_LAYOUT_DEVICE": "gpu:0,gpu"},
        {"FAST_TABLE_LAYOUT_THR": "30"},
        {"FAST_TABLE_LAYOUT_THR": "nan"},
        {"FAST_TABLE_LAYOUT_THR": "low"},
        {"FAST_DEBUG": "maybe"},
    ],
)
def test_a_value_without_meaning_names_its_variable(wrong):
    with pytest.raises(PipelineError, match=next(iter(wrong))):
        LayoutSettings.from_environment(wrong)


def test_the_package_does_not_import_torch():
    check = (
        "import ocr_pipeline.data.layout_lmdb, sys; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
