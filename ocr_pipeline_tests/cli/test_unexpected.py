import pytest

from ocr_pipeline.cli import main
from ocr_pipeline.data.annotations import crops
from ocr_pipeline_tests.trees import hand_tree, write_tree


def test_what_was_unexpected_is_loud_and_the_rest_is_published(tmp_path, monkeypatch, capsys):
    share, output = write_tree(tmp_path / "share", hand_tree(3)), tmp_path / "out"
    options = ["--source", str(share), "--output", str(output), "--partition", "handwriting_train"]

    def ended(*command: str) -> int:
        monkeypatch.setattr("sys.argv", ["ocr-pipeline", *command, *options])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0

    assert ended("merge", "--workers", "1") == ended("lookup") == 0
    fit = crops.fit

    def failing(page, *rest, **more):
        if page.image.endswith("00001.png"):
            raise KeyError(page.image)
        return fit(page, *rest, **more)

    monkeypatch.setattr(crops, "fit", failing)
    assert ended("annotations", "--output_format", "lmdb") == 1
    told = capsys.readouterr()
    assert "page unexpected 1" in told.out and "1 pages met a fault of this program" in told.err
    assert "Traceback" not in told.err
    assert (output / "handwriting_annotations_train.lmdb.manifest.json").exists()
