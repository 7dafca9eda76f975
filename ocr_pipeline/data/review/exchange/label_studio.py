"""Label Studio: tasks with the crop in them, and its JSON export.

The verdict is a choice of its own, for a missing text means nothing to Label Studio. Only its JSON export is read: the
others drop what was skipped, or break lines within fields. Tasks change their ids when they are imported again, so each
carries our key in its data.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ocr_pipeline.data.corrections import Action
from ocr_pipeline.data.review.exchange.exported import Decided, Exported, with_crops
from ocr_pipeline.data.review.pictures import Pictures
from ocr_pipeline.errors import PipelineError

TASKS, CONFIG = "tasks.json", "labeling_config.xml"
_VERDICTS: tuple[Action, ...] = ("keep", "text", "ignore", "delete")
LABELING_CONFIG = f"""<View>
  <Image name="image" value="$image"/>
  <Text name="label" value="$label"/>
  <Text name="reading" value="$reading"/>
  <Choices name="verdict" toName="image" choice="single" required="true">
    {"".join(f'<Choice value="{verdict}"/>' for verdict in _VERDICTS)}
  </Choices>
  <TextArea name="text" toName="image" maxSubmissions="1" editable="true" visibleWhen="choice-selected"
            whenTagName="verdict" whenChoiceValue="text"/>
</View>
"""


class _Value(msgspec.Struct):
    choices: list[str] = []
    text: list[str] | str = []


class _Result(msgspec.Struct):
    from_name: str = ""
    value: _Value = msgspec.field(default_factory=_Value)


class _Annotation(msgspec.Struct):
    result: list[_Result] = []
    was_cancelled: bool = False
    updated_at: str = ""
    completed_by: int | dict | None = None


class _Task(msgspec.Struct):
    data: dict[str, object] = {}
    annotations: list[_Annotation] = []


def write_tasks(folder: Path, exported: Exported, pictures: Pictures) -> None:
    """Write the tasks to import, and the labeling configuration that they need."""
    (folder / CONFIG).write_text(LABELING_CONFIG, encoding="utf-8")
    with (folder / TASKS).open("wb") as file:
        start = b"["
        for key, suspect, crop in with_crops(exported, pictures):
            image = f"data:image/jpeg;base64,{base64.b64encode(crop).decode()}"
            said = {"image": image, "label": suspect.text, "reading": suspect.reading, "kind": suspect.kind}
            file.write(start + b"\n" + msgspec.json.encode({"data": {**said, "suspect": key}}))
            start = b","
        file.write(b"\n]\n" if start == b"," else b"[]\n")


def is_export(path: Path) -> bool:
    """Whether a file is a list of tasks."""
    with path.open("rb") as file:
        return file.read(20).lstrip().startswith(b"[")


def read_export(path: Path) -> Iterator[tuple[str, Decided | str]]:
    """Key and decision of each task, or why it cannot be understood.

    Raises:
        PipelineError: it is no JSON export of Label Studio.
    """
    try:
        tasks = msgspec.json.decode(path.read_bytes(), type=list[_Task])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PipelineError(
            f"this is no JSON export of Label Studio ({error})",
            where=path,
            remedy="Export the project as JSON (not JSON-MIN or CSV).",
        ) from error
    for task in tasks:
        key = str(task.data.get("suspect", ""))
        decided = [_decided(each) for each in sorted(task.annotations, key=lambda each: each.updated_at)]
        told = [each for each in decided if isinstance(each, str) or each.action]
        if len({(each.action, each.after) for each in told if isinstance(each, Decided)}) > 1:
            yield key, "several people decided otherwise: the last one counts"
        yield key, told[-1] if told else Decided(None)


def _decided(annotation: _Annotation) -> Decided | str:
    if annotation.was_cancelled:
        return Decided(None)
    verdicts = [choice for result in annotation.result for choice in result.value.choices]
    texts = [text for result in annotation.result if result.from_name == "text" for text in _texts(result.value)]
    if len(verdicts) != 1 or verdicts[0] not in _VERDICTS:
        return f"it has no verdict ({', '.join(verdicts) or 'none'})"
    if verdicts[0] != "text" and any(text.strip() for text in texts):
        return f"there is a new text, and the verdict is {verdicts[0]}"
    if verdicts[0] != "text":
        return Decided(verdicts[0], who=_who(annotation))
    if len(texts) != 1:
        return f"the verdict is text, and there are {len(texts)} texts"
    return Decided("text", texts[0], _who(annotation))


def _texts(value: _Value) -> list[str]:
    return [value.text] if isinstance(value.text, str) else value.text


def _who(annotation: _Annotation) -> str:
    person = annotation.completed_by
    return str(person.get("email", "")) if isinstance(person, dict) else "" if person is None else f"user {person}"
