"""Page faults of a process that makes and frees a large tensor again and again, with and without keeping its pages."""

import platform
import subprocess
import sys

import pytest

from spikewright.training.allocator import retain_freed_memory

FAULTS = """
import resource, torch
from spikewright.training.allocator import retain_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(16 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
plain = faults()
assert retain_freed_memory()
for _ in range(30):  # until small blocks have found their place between the large ones
    torch.ones(16 << 20)
print(plain, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="there is nothing to ask for without glibc")
def test_pages_are_kept() -> None:
    """64 MiB are 16,384 pages of 4 KiB (32 huge ones, where they are on: then nothing can be seen)."""
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    plain, saved = map(int, done.stdout.split())
    assert saved < 100
    assert plain > 5 * 16_000 or plain < 1000


def test_without_glibc_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not retain_freed_memory()
