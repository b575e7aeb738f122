"""A small Linux guest under QEMU's user networking: it stands where an Android emulator stands, same addresses.

10.0.2.2 is the host's loopback and 10.0.2.3 its DNS. The image is built once from Debian packages
(`tests/guest/build.sh`) and cached; each run adds its own steps and CA to the initial RAM disk and returns what the
guest printed.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.sealed import Sealed

ROOT = Path(__file__).resolve().parents[2]
RUN_LIMIT = 360  # seconds; three to thirty when the machine is idle


@dataclass(frozen=True, slots=True)
class GuestImage:
    kernel: Path
    initrd: Path


def build_image(cache: Path = ROOT / ".cache" / "guest") -> GuestImage:
    """Build or reuse the image; RuntimeError says which package is missing."""
    done = subprocess.run(
        ["bash", str(ROOT / "tests/guest/build.sh"), str(cache)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or "the guest image could not be built")
    return GuestImage(cache / "vmlinuz", cache / "initrd.gz")


def _with_files(image: GuestImage, files: dict[str, str], folder: Path) -> Path:
    """Append files to the initial RAM disk; the kernel unpacks concatenated archives one after the other."""
    tree = folder / "extra"
    tree.mkdir()
    for name, text in files.items():
        (tree / name).write_text(text)
    archive = subprocess.run(
        ["cpio", "--quiet", "-o", "-H", "newc"],
        input="\n".join(files).encode(),
        cwd=tree,
        capture_output=True,
        check=True,
    )
    combined = folder / "initrd"
    combined.write_bytes(image.initrd.read_bytes() + gzip.compress(archive.stdout))
    return combined


def run_guest(
    image: GuestImage,
    sealed: Sealed,
    steps: str,
    files: dict[str, str],
    folder: Path,
    heard: Callable[[str], None] = lambda line: None,
) -> str:
    """Boot the guest in the namespace, run the steps, and return what it printed; `heard` gets each line at once."""
    initrd = _with_files(image, {"steps.sh": steps, **files}, folder)
    qemu = shutil.which("qemu-system-x86_64")
    assert qemu
    machine = "-accel tcg,thread=multi -cpu max -M q35 -m 512 -smp 1 -nodefaults -display none -serial stdio -no-reboot"
    words = sealed.command(
        qemu,
        *machine.split(),
        *("-kernel", str(image.kernel), "-initrd", str(initrd)),
        *("-append", "console=ttyS0 quiet panic=-1 mitigations=off"),
        *("-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,romfile="),
    )
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace"
    ) as guest:
        late = threading.Timer(RUN_LIMIT, guest.kill)
        late.start()
        try:
            said = _listened(guest, heard)
        finally:
            late.cancel()
            guest.kill()
    assert "GUEST-DONE" in said, f"the guest did not finish: {said[-2000:]}"
    return said


def _listened(guest: subprocess.Popen[str], heard: Callable[[str], None]) -> str:
    assert guest.stdout is not None
    lines = []
    for line in guest.stdout:
        lines.append(line.replace("\r", ""))
        heard(lines[-1].rstrip("\n"))
    return "".join(lines)
