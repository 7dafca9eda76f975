"""A trained model on the Hugging Face hub: its files and its card, and nothing of the training's state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HTTPError

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.card import card_of
from ocr_pipeline.fast.weights.reading import read_weights
from ocr_pipeline.recognition.dlora import files_to_hand_on
from ocr_pipeline.recognition.pretrained import may_be_on_the_hub
from ocr_pipeline.training.cards import CARD, card_beside

_Content = Path | bytes

_REFUSED = {
    401: "The hub does not know this token: make one at huggingface.co/settings/tokens, and set HF_TOKEN to it.",
    403: "The token may not write there: it needs the right to write, and the first half of --repo has to be your name "
    "or that of an organization of yours.",
}


def push(model: Path, repository: str, *, private: bool = False) -> str:
    """Upload a recognizer (a folder) or a detector (a file) as one commit, and return the address of its repository.

    The repository is made where there is none. The token is that of ``HF_TOKEN`` or of ``hf auth login``.

    Raises:
        PipelineError: the model cannot be handed on, there is no token, the hub refuses or is not reached, or the
            repository is public and was wanted ``private``.
    """
    files = files_of(model)
    if not may_be_on_the_hub(repository):
        raise PipelineError(
            "this is no name of a repository", where=repository, remedy="Give one such as name/repository."
        )
    hub = HfApi(token=_token())
    with _told(hub.endpoint, repository):
        address = hub.create_repo(repository, private=private or None, exist_ok=True)
        if private and not hub.model_info(repository).private:
            raise _is_public(address)
        hub.create_commit(
            repository,
            [CommitOperationAdd(name, content) for name, content in files.items()],
            commit_message=f"Upload {model.name}",
        )
    return str(address)


def files_of(model: Path) -> dict[str, _Content]:
    """What is uploaded, by its name there: a model's files, or one file with its card.

    The card of a detector is the one that lies beside it, which a person may have added to, else made anew.

    Raises:
        PipelineError: there is no such model, or it cannot be handed on.
    """
    if model.is_dir():
        return {path.relative_to(model).as_posix(): path for path in files_to_hand_on(model)}
    return {model.name: model, CARD: _detector_card(model)}


def _detector_card(model: Path) -> bytes:
    own = card_beside(model)
    has_own = own.is_file()
    if not (has_own and model.suffix == ".onnx"):
        _demand_no_state(model)
    return own.read_bytes() if has_own else card_of(model).encode()


def _demand_no_state(detector: Path) -> None:
    if "optimizer" in read_weights(detector).extras:
        raise PipelineError(
            "this holds the state of a training, which is for nobody else",
            where=detector,
            remedy=f"Push best_checkpoint.pth, or what `ocr-pipeline export-fast --checkpoint {detector} --output "
            "detector.pth` makes of it.",
        )


def _token() -> str:
    token = get_token()
    if token is None:
        raise PipelineError(
            "there is no token for the Hugging Face hub",
            where="HF_TOKEN",
            remedy="Make one with the right to write at huggingface.co/settings/tokens; set HF_TOKEN, or run "
            "`hf auth login` once.",
        )
    return token


@contextmanager
def _told(endpoint: str, repository: str) -> Iterator[None]:
    """What the hub, or the way to it, refuses, as an error that a user can mend.

    Raises:
        PipelineError: it does.
    """
    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        raise PipelineError(
            f"the hub refuses the upload ({status}: {error.server_message or 'no reason given'})",
            where=repository,
            remedy=_REFUSED.get(status, "Look at what it says; where the hub itself is ill, try again later."),
        ) from error
    except (OSError, HTTPError) as error:
        raise PipelineError(
            f"the hub is not reached ({str(error).splitlines()[0] if str(error) else type(error).__name__})",
            where=endpoint,
            remedy="Run the same command where there is a network, and without HF_HUB_OFFLINE.",
        ) from error


def _is_public(address: str) -> PipelineError:
    return PipelineError(
        "--private was said, and this repository is there already and public",
        where=address,
        remedy="Make it private in its settings, name another, or leave --private out.",
    )
