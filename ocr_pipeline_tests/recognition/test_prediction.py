import csv
import json
import resource
import shutil
import unicodedata

import numpy as np
import pytest
import torch
from PIL import Image

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.recognition import Decoding, Loading, load_recognizer, recognize_pictures
from ocr_pipeline.recognition import prediction as module
from ocr_pipeline.recognition.dlora import DloraTraining, load, train_dlora
from ocr_pipeline.recognition.dlora.recognizer import Recognizer
from ocr_pipeline.storage.files.pictures import pictures_in


@pytest.fixture
def folder(tmp_path, words):
    """Twelve pictures in two folders."""
    for number, (_, crop) in enumerate(words[:12]):
        path = (
            tmp_path
            / "images"
            / ("b" if number % 2 else "a")
            / f"{number:02}.{('png', 'JPG', 'bmp', 'webp')[number % 4]}"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop).save(path)
    return tmp_path / "images"


def recognize_folder(recognizer, folder, output, **settings):
    return recognize_pictures(recognizer, pictures_in(folder, deep=True), output, **settings)


def rows(path):
    return list(csv.DictReader(path.open(encoding="utf-8-sig", newline="")))


def test_every_picture_gets_its_line_in_order(folder, tmp_path, words):
    (folder / "notes.txt").write_text("no picture")
    result = recognize_folder(load(TINY_KOREAN), folder, tmp_path / "out/read.csv", batch_size=5)
    assert (result.images, result.errors) == (12, 0)
    assert result.output_csv.read_bytes().startswith(b"\xef\xbb\xbffilename,text,confidence,error\n")
    lines = rows(result.output_csv)
    assert [line["filename"] for line in lines] == sorted(
        str(path) for path in folder.rglob("*.*") if path.suffix != ".txt"
    )
    truth = {f"{number:02}": text for number, (text, _) in enumerate(words[:12])}
    right = sum(truth[line["filename"].rsplit("/")[-1][:2]] == line["text"] for line in lines)
    assert right >= 9
    assert all(0 < float(line["confidence"]) <= 1 and not line["error"] for line in lines)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["read.csv"]


def test_batches_read_what_single_pictures_read(folder, tmp_path):
    one, many = (
        rows(recognize_folder(load(TINY_KOREAN), folder, tmp_path / f"{size}.csv", batch_size=size).output_csv)
        for size in (1, 7)
    )
    assert [line["text"] for line in one] == [line["text"] for line in many]
    assert [float(line["confidence"]) for line in one] == pytest.approx(
        [float(line["confidence"]) for line in many], abs=2e-4
    )


def test_an_unreadable_picture_is_counted_and_says_why(folder, tmp_path):
    (folder / "a/broken.png").write_bytes(b"not a picture")
    whole = (folder / "a/04.png").read_bytes()
    (folder / "a/cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "a/empty.jpg").write_bytes(b"")
    result = recognize_folder(load(TINY_KOREAN), folder, tmp_path / "read.csv")
    assert (result.images, result.errors) == (15, 3)
    broken = [line for line in rows(result.output_csv) if line["error"]]
    assert [line["filename"].rsplit("/")[-1] for line in broken] == ["broken.png", "cut.png", "empty.jpg"]
    assert all(not line["text"] and not line["confidence"] for line in broken)
    assert "truncated" in broken[1]["error"]


def test_a_killed_run_goes_on_where_it_was(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WINDOW", 1)
    expected = recognize_folder(load(TINY_KOREAN), folder, tmp_path / "whole.csv", batch_size=4).output_csv.read_bytes()
    read, batches = Recognizer.read, []

    def die_at_the_third(self, pixels):
        batches.append(len(pixels))
        if len(batches) == 3:
            raise KeyboardInterrupt
        return read(self, pixels)

    monkeypatch.setattr(Recognizer, "read", die_at_the_third)
    output = tmp_path / "torn.csv"
    with pytest.raises(KeyboardInterrupt):
        recognize_folder(load(TINY_KOREAN), folder, output, batch_size=4)
    assert not output.exists()
    (part,) = tmp_path.glob(".torn.csv.*.part")
    with part.open("a") as file:
        file.write('images/torn li"')  # the disk took half a line
    recognize_folder(load(TINY_KOREAN), folder, output, batch_size=4)
    assert sum(batches) == 12 + 4  # the third batch was begun twice, the first two once
    assert output.read_bytes() == expected
    assert not part.exists()


def test_other_settings_do_not_go_on_with_a_torn_run(folder, tmp_path):
    paths = sorted(folder.rglob("*.*"))
    prints = {
        module._fingerprint(paths, load(TINY_KOREAN, Loading(decoding=decoding)))
        for decoding in (Decoding(), Decoding(beams=4), Decoding(longest=32), Decoding(no_repeat_ngram=3))
    }
    paths[0].write_bytes(paths[0].read_bytes() + b" ")
    prints.add(module._fingerprint(paths, load(TINY_KOREAN)))
    assert len(prints) == 5


def test_a_full_disk_is_one_clear_error_and_the_rest_goes_on_from_there(folder, tmp_path):
    recognizer, paths = load_recognizer(TINY_KOREAN), pictures_in(folder, deep=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))  # no file may grow beyond 8 bytes
    try:
        with pytest.raises(PipelineError, match="cannot write the artifact"):
            recognize_pictures(recognizer, paths, tmp_path / "read.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert recognize_pictures(recognizer, paths, tmp_path / "read.csv").images == len(paths)


@pytest.mark.parametrize("kind", ["pages", "link"])
def test_what_is_left_out_is_said(folder, tmp_path, caplog, kind):
    (tmp_path / "in").mkdir()
    first, second = (Image.fromarray(np.full((20, 40, 3), grey, np.uint8)) for grey in (0, 255))
    first.save(tmp_path / "in/a.tif", save_all=True, append_images=[second] if kind == "pages" else [])
    if kind == "link":
        (tmp_path / "in/more").symlink_to(folder)
    paths = pictures_in(tmp_path / "in", deep=True)
    assert recognize_pictures(load_recognizer(TINY_KOREAN), paths, tmp_path / "read.csv").images == 1
    assert (
        "holds 2 pages; the first alone" if kind == "pages" else "1 folders are passed over, they are links"
    ) in caplog.text


def test_a_folder_is_no_table_and_told_before_anything_is_read(tmp_path):
    with pytest.raises(PipelineError, match="a file is written"):
        recognize_pictures(None, [], tmp_path)


def test_what_is_read_is_nfc(folder, tmp_path):
    texts = [line["text"] for line in rows(recognize_folder(load(TINY_KOREAN), folder, tmp_path / "r.csv").output_csv)]
    assert any("가" <= letter <= "힣" for letter in "".join(texts))
    assert all(unicodedata.is_normalized("NFC", text) for text in texts)


def test_the_base_cannot_impose_its_own_generation(tmp_path, words):
    """ko-trocr comes with length 16 and beams; penalties would forbid repeated syllables."""
    shutil.copytree(TINY_KOREAN, tmp_path / "base")
    path = tmp_path / "base/generation_config.json"
    own = {"max_length": 4, "num_beams": 3, "no_repeat_ngram_size": 2, "repetition_penalty": 5.0, "length_penalty": 9.0}
    path.write_text(json.dumps({**json.loads(path.read_text()), **own}))
    plain, imposed = load(TINY_KOREAN), load(tmp_path / "base")
    pixels = np.stack([plain.images.resize(crop) for _, crop in words[:8]])
    assert imposed.read(pixels) == plain.read(pixels)


def test_confidence_is_the_geometric_mean_of_the_tokens_probabilities(words):
    recognizer = load(TINY_KOREAN)
    pixels = np.stack([recognizer.images.resize(crop) for _, crop in words[:4]])
    for (text, confidence), picture in zip(recognizer.read(pixels), pixels, strict=True):
        tokens = torch.tensor([[2, *recognizer.codec.encode(text)]])
        source = torch.tensor(picture)[None].permute(0, 3, 1, 2) / 127.5 - 1
        with torch.no_grad():
            logits = recognizer.model(pixel_values=source, decoder_input_ids=tokens[:, :-1]).logits
        said = logits.log_softmax(-1).gather(-1, tokens[:, 1:, None])
        assert confidence == pytest.approx(said.mean().exp().item(), abs=1e-4)


def test_beams_read_too(words):
    recognizer = load(TINY_KOREAN, Loading(decoding=Decoding(beams=3)))
    readings = recognizer.read(np.stack([recognizer.images.resize(crop) for _, crop in words[:4]]))
    assert all(0 < confidence <= 1 for _, confidence in readings)


def test_a_checkpoint_is_merged_into_its_base(folder, tmp_path, jsonl, words):
    data = jsonl("train", [("가나다", crop) for _, crop in words[:8]])
    plan = DloraTraining(str(TINY_KOREAN), str(tmp_path / "out"), max_steps=12, learning_rate=1e-2, save_steps=99)
    checkpoint = train_dlora(plan, [data], []).checkpoint
    adapted = load(checkpoint)
    assert not any("lora" in name for name, _ in adapted.model.named_parameters())
    result = recognize_folder(adapted, folder, tmp_path / "read.csv")
    assert sum(line["text"] == "가나다" for line in rows(result.output_csv)) >= 6


def test_what_cannot_be_used_is_named(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(PipelineError, match="no CUDA"):
        load(TINY_KOREAN, Loading(device="cuda"))
    with pytest.raises(PipelineError, match="no DLoRA checkpoint"):
        load(tmp_path)
    with pytest.raises(PipelineError, match="no such folder"):
        recognize_folder(load(TINY_KOREAN), tmp_path / "nothing", tmp_path / "r.csv")
    with pytest.raises(PipelineError, match="base model"):
        load(tmp_path / "nothing")


def test_a_file_of_others_stays_unless_it_may_go(folder, tmp_path):
    recognizer, output = load(TINY_KOREAN), tmp_path / "read.csv"
    output.write_text("id,grade\n1,A\n")
    with pytest.raises(PipelineError, match="--overwrite"):
        recognize_folder(recognizer, folder, output)
    assert output.read_text() == "id,grade\n1,A\n"
    for overwrite in (True, False):  # afterwards it is its own
        assert recognize_folder(recognizer, folder, output, overwrite=overwrite).images == 12
    with pytest.raises(PipelineError, match="what is read"):
        recognize_folder(recognizer, folder, pictures_in(folder, deep=True)[0], overwrite=True)
