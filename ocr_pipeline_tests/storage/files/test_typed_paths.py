import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.publishing import publish_folder
from ocr_pipeline.storage.files.typed_paths import begins_with, claim


def test_what_is_not_there_and_an_empty_folder_are_free(tmp_path):
    (tmp_path / "empty").mkdir()
    claim(tmp_path / "new", tmp_path / "empty")


def test_what_somebody_else_made_stays_unless_it_may_go(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models/thesis.docx").write_text("years of work")
    (tmp_path / "table.csv").write_text("mine\n")
    for path in (tmp_path / "models", tmp_path / "table.csv"):
        with pytest.raises(PipelineError, match=r"did not make.*--overwrite"):
            claim(path)
        claim(path, overwrite=True)


@pytest.mark.parametrize("output", ["in/page.png", "in", "link.png"])
def test_an_input_is_never_written_over(tmp_path, output):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/page.png").write_bytes(b"a picture")
    (tmp_path / "link.png").symlink_to(tmp_path / "in/page.png")
    with pytest.raises(PipelineError, match="what is read"):
        claim(tmp_path / output, inputs=[tmp_path / "in/page.png", "owner/model"], overwrite=True)


def test_a_table_is_known_by_its_first_line(tmp_path):
    path, is_own = tmp_path / "table.csv", begins_with("filename,text")
    path.write_text("filename,text\na,b\n", encoding="utf-8-sig")
    claim(path, is_own=is_own)
    path.write_text("filename,texture\n")
    with pytest.raises(PipelineError):
        claim(path, is_own=is_own)


def test_publishing_a_folder_spares_its_neighbours(tmp_path):
    (tmp_path / "model.old").mkdir()
    for content in ("first", "second"):
        with publish_folder(tmp_path / "model") as draft:
            (draft / "file").write_text(content)
    assert (tmp_path / "model/file").read_text() == "second"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model.old"]
