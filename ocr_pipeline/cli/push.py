"""``push``: a trained model on the Hugging Face hub, with its card."""

from __future__ import annotations

from pathlib import Path

import click

from ocr_pipeline.cli.output import say


@click.command()
@click.argument("checkpoint", type=click.Path(exists=True, path_type=Path))
@click.option("--repo", required=True, help="NAME/REPO on the hub; it is made where there is none.")
@click.option("--private", is_flag=True, help="Make it private; one that is public already is refused.")
def push(checkpoint: Path, repo: str, private: bool) -> None:
    """Upload a recognizer (a folder) or a detector (a file) with its card to the Hugging Face hub.

    The token is that of HF_TOKEN, or of `hf auth login`; HF_ENDPOINT names another hub. The state of a training stays
    here. Whoever pushes sees to the licences: what was learnt from AI-Hub's data is bound by the terms of that.
    """
    from ocr_pipeline.release.hub import push as upload

    say(f"{checkpoint} -> {upload(checkpoint, repo, private=private)}")
