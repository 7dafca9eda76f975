import copy
import errno

import pytest
from torch.utils.data import DataLoader, Dataset

from ocr_pipeline.errors import PipelineError, refusals_of_the_machine
from ocr_pipeline.training.stopping import TrainingStoppedError


class Damaged(Dataset):
    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> int:
        raise PipelineError("a crop cannot be read", where="words.lmdb, sample 3", remedy="Make it again.")


def test_an_error_in_a_worker_of_a_loader_stays_itself():
    with pytest.raises(PipelineError) as error:
        next(iter(DataLoader(Damaged(), num_workers=1)))
    assert str(error.value) == "a crop cannot be read: words.lmdb, sample 3. Make it again."


@pytest.mark.parametrize("kind", [PipelineError, TrainingStoppedError])
def test_an_error_is_made_anew_as_it_was(kind):
    error = copy.copy(kind("what", where="where", remedy="Do this."))  # as pickle makes it anew
    assert (type(error), error.what, error.where, error.remedy) == (kind, "what", "where", "Do this.")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/locked/out"), "/locked/out. Change its permissions"),
        (OSError(errno.ENOSPC, "No space left on device", "/full/x.lock"), "/full/x.lock. Free some"),
        (OSError(errno.EMFILE, "Too many open files"), "this machine. Raise `ulimit -n`"),
    ],
)
def test_what_the_machine_refuses_is_no_traceback(fault, told):
    with pytest.raises(PipelineError) as error, refusals_of_the_machine():
        raise fault
    assert told in str(error.value)


def test_a_fault_of_this_program_stays_one():
    with pytest.raises(FileNotFoundError), refusals_of_the_machine():
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "x")
