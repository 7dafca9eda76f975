import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ocr_pipeline.devices import nvidia
from ocr_pipeline.devices.containers import cpu_limit, memory_limit
from ocr_pipeline.devices.machine import Demand, Machine, find_machine, has_bfloat16
from ocr_pipeline.errors import PipelineError


@pytest.mark.parametrize(
    ("told", "has"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16\n", True),
        ("flags\t\t: fpu avx2 amx_tile amx_bf16\n", True),
        ("Features\t: fp asimd i8mm bf16\n", True),
        ("flags\t\t: fpu avx2 avx512f avx512_vnni\n", False),
        ("", False),
    ],
)
def test_instructions_for_bfloat16_are_those_that_the_system_names(tmp_path: Path, told: str, has: bool):
    (tmp_path / "cpuinfo").write_text(told)
    assert has_bfloat16(tmp_path / "cpuinfo") is has


def test_where_no_system_tells_there_are_none(tmp_path: Path):
    assert not has_bfloat16(tmp_path / "cpuinfo")


SMI = """#!/bin/sh
case "$1" in
  -L) printf '%s\\n' "GPU 0: NVIDIA A100 (UUID: GPU-aa)" "  MIG 1g.5gb Device 0: (UUID: MIG-1)" \\
      "  MIG 1g.5gb Device 1: (UUID: MIG-2)" "GPU 1: NVIDIA A100 (UUID: GPU-bb)" "GPU 2: NVIDIA A100 (UUID: GPU-cc)" ;;
  *) printf '%s\\n' "0, Enabled" "1, Disabled" "2, Enabled" ;;
esac
"""
WHOLE = "#!/bin/sh\nprintf '%s\\n' '0, [N/A]' '1, Disabled'\n"
NONE_THERE = "#!/bin/sh\necho 'No devices were found'; exit 6\n"
BROKEN = "#!/bin/sh\necho 'NVIDIA-SMI has failed because it could not communicate with the driver'; exit 9\n"
WARNS = "#!/bin/sh\nprintf '%s\\n' 'WARNING: infoROM is corrupted at gpu 0000:3B:00.0' '0, [N/A]' '1, Disabled'\n"
GARBAGE = "#!/bin/sh\nprintf 'no list \\377\\376'\n"
HANGS = "#!/bin/sh\nexec sleep 60\n"


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Machine]:
    """Finds the machine with an nvidia-smi of this text."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def find(text: str) -> Machine:
        (tmp_path / "nvidia-smi").write_text(text)
        (tmp_path / "nvidia-smi").chmod(0o755)
        return find_machine({})

    return find


@pytest.mark.parametrize(
    ("text", "gpus"), [(WHOLE, ("0", "1")), (WARNS, ("0", "1")), (SMI, ("MIG-1", "MIG-2", "1")), (NONE_THERE, ())]
)
def test_gpus_are_named_as_cuda_names_them(smi, text: str, gpus: tuple[str, ...]):
    assert smi(text).gpus == gpus and not smi(text).fault


@pytest.mark.parametrize(
    ("text", "why"),
    [(BROKEN, "could not communicate"), (HANGS, "has not answered for 0.1 s"), (GARBAGE, "lists no GPUs: no list")],
)
def test_where_the_driver_is_broken_steps_without_a_gpu_go_on(smi, monkeypatch, text: str, why: str):
    monkeypatch.setattr(nvidia, "PATIENCE", 0.1 if text == HANGS else 30.0)
    machine = smi(text)
    assert why in machine.fault and machine.possible(Demand(cpus=1)) == Demand(cpus=1)
    with pytest.raises(PipelineError, match=f"{why}.*OCR_PIPELINE_GPUS"):
        machine.possible(Demand(gpus=1))
    assert find_machine({"OCR_PIPELINE_GPUS": "none"}).possible(Demand(gpus=1)) == Demand(gpus=1)


@pytest.mark.parametrize(
    ("said", "gpus"),
    [
        ("0,1", ("0", "1")),
        (" 0 , 2 ", ("0", "2")),
        ("", ()),
        ("none", ()),
        ("NoDevFiles", ()),
        ("-1", ()),
        ("1,-1,2", ("1",)),
        ("GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", ("GPU-8932f937-d72c-4106-c12f-20bd9faed9f6",)),
        ("MIG-GPU-8932f937/1/0,MIG-41b36325", ("MIG-GPU-8932f937/1/0", "MIG-41b36325")),
    ],
)
def test_a_list_of_gpus_means_what_cuda_takes_it_for(said: str, gpus: tuple[str, ...]):
    assert find_machine({"OCR_PIPELINE_GPUS": said}).gpus == gpus


@pytest.mark.parametrize("said", ["0-3", "0;1", "0,0", "0,,1", "gpu", "0 1"])
def test_a_list_that_is_none_is_refused(said: str):
    with pytest.raises(PipelineError, match=r"OCR_PIPELINE_GPUS.*nvidia-smi -L"):
        find_machine({"OCR_PIPELINE_GPUS": said})


def test_all_are_those_that_are_listed(smi):
    smi(WHOLE)
    assert find_machine({"OCR_PIPELINE_GPUS": "all"}).gpus == ("0", "1")


class Groups:
    """Control groups of a pretended system: files of groups, and where a process is told to be."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.proc = folder, folder / "proc"
        self.proc.mkdir()

    def put(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text + "\n")

    def place(self, group: str, *mounts: str) -> None:
        (self.proc / "cgroup").write_text(group + "\n")
        lines = (f"{n} 1 0:{n} {mount.replace('AT', str(self.folder))}\n" for n, mount in enumerate(mounts))
        (self.proc / "mountinfo").write_text("".join(lines))

    @property
    def limits(self) -> tuple[float, float]:
        return memory_limit(self.proc), cpu_limit(self.proc)


@pytest.fixture
def groups(tmp_path: Path) -> Groups:
    return Groups(tmp_path)


V2 = "/ AT/v2 rw shared:4 - cgroup2 cgroup2 rw,nsdelegate"


def test_a_limit_of_v2_counts_at_any_depth(groups: Groups):
    groups.place("0::/slurm/job_7/step_0", V2)
    groups.put({"v2/slurm/job_7/memory.max": "3000000000", "v2/slurm/job_7/step_0/memory.max": "max"})
    groups.put({"v2/slurm/cpu.max": "250000 100000", "v2/slurm/job_7/step_0/cpu.max": "max 100000"})
    assert groups.limits == (3e9, 2.5)


def test_a_container_sees_its_group_as_the_root(groups: Groups):
    groups.place("0::/", V2)
    groups.put({"v2/memory.max": "1000000000", "v2/cpu.max": "50000 100000"})
    assert groups.limits == (1e9, 0.5)
    groups.place("0::/docker/abc", "/docker/abc AT/v2 rw - cgroup2 cgroup2 rw")
    assert groups.limits == (1e9, 0.5)


def test_limits_of_v1_stand_in_a_tree_for_each_controller(groups: Groups):
    memory, cpu = (f"/ AT/v1/{name} rw - cgroup cgroup rw,{name}" for name in ("memory", "cpu,cpuacct"))
    groups.place("4:memory:/a/b\n3:cpu,cpuacct:/a\n1:name=systemd:/x\n0::/", memory, cpu)
    groups.put(
        {"v1/memory/a/memory.limit_in_bytes": "2000000000", "v1/memory/memory.limit_in_bytes": str((1 << 63) - 4096)}
    )
    groups.put({"v1/memory/a/b/memory.limit_in_bytes": "2500000000", "v1/cpu,cpuacct/cpu.cfs_quota_us": "-1"})
    groups.put({"v1/cpu,cpuacct/a/cpu.cfs_quota_us": "150000", "v1/cpu,cpuacct/a/cpu.cfs_period_us": "100000"})
    assert groups.limits == (2e9, 1.5)


def test_without_groups_there_is_no_limit(groups: Groups):
    assert groups.limits == (math.inf, math.inf)
    groups.place("0::/", V2)
    assert groups.limits == (math.inf, math.inf)
