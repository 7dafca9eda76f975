"""A trained recognizer as a plain Hugging Face folder, which transformers loads without peft and without us."""

from __future__ import annotations

from pathlib import Path

from ocr_pipeline.recognition.dlora.card import model_card
from ocr_pipeline.recognition.dlora.checkpoints import STATE, load_state
from ocr_pipeline.recognition.dlora.recognizer import generation_config, load_merged
from ocr_pipeline.recognition.interface import GREEDY, Decoding
from ocr_pipeline.storage.files.publishing import publish_folder
from ocr_pipeline.storage.files.typed_paths import claim
from ocr_pipeline.training.cards import CARD


def merge_checkpoint(
    checkpoint: str | Path,
    output: str | Path,
    *,
    base: str | Path | None = None,
    decoding: Decoding = GREEDY,
    overwrite: bool = False,
) -> Path:
    """Work the adapters of ``checkpoint`` into its base and publish the whole as ``output``.

    The folder holds the model in float32, its processor, and generation settings under which a plain ``generate()``
    reads as we do.

    Args:
        base: the base model; None asks the checkpoint.
        overwrite: replace what stands at ``output``.

    Raises:
        PipelineError: base or checkpoint cannot be loaded, or do not belong together; ``output`` is not free.
    """
    claim(Path(output), inputs=(checkpoint, *([base] if base else [])), overwrite=overwrite)
    merged = load_merged(checkpoint, base)
    merged.model.generation_config = generation_config(merged, decoding)
    with publish_folder(Path(output)) as draft:
        merged.model.save_pretrained(draft)
        merged.save_processors(draft)
        if (Path(checkpoint) / STATE).is_file():
            card = model_card(merged.name, load_state(Path(checkpoint)), merged=True)
            (draft / CARD).write_text(card, encoding="utf-8")
    return Path(output)
