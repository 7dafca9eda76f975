"""An FTP server on this machine: ``python -m ocr_pipeline_tests.storage.source.ftp_server FOLDER IDLE CHANCE QUIRK``.

It prints its port. Connections that are idle for IDLE seconds are dropped, as real servers do, and any other at each
command with the given CHANCE: before the command is answered, or in the middle of the answer. For quirks see `quirky`.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serving(folder: Path, drop_after: int = 300, drop_chance: float = 0.0, quirk: str = "") -> Iterator[str]:
    """Serve a folder from a process of its own; gives its URL."""
    command = [sys.executable, "-m", __name__, str(folder), str(drop_after), str(drop_chance), quirk]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield f"ftp://reader:secret@127.0.0.1:{server.stdout.readline().strip()}"
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


HOSTILE = ("../../planted.json", "..", ".", "a/b.json", "zero\0.json", "sound.json")


def quirky(handler, quirk: str):
    """The handler with one way of servers out there: how they list, name, and send."""
    from pyftpdlib.filesystems import AbstractedFS

    class Names(AbstractedFS):
        def format_mlsx(self, *arguments, **options):
            lines = list(super().format_mlsx(*arguments, **options))
            if quirk == "upper":
                lines = [line.replace(b"type=file", b"Type=File").replace(b"type=dir", b"Type=Dir") for line in lines]
            if quirk == "hostile":
                lines = [f"type=file;size=2; {name}\r\n".encode() for name in HOSTILE]
            if quirk == "listings cut":
                lines = [b"".join(lines)[:-4]]
            return iter(lines)

        def format_list(self, folder, names, ignore_err=True):
            if quirk != "windows":
                yield from super().format_list(folder, names, ignore_err)
                return
            for name in names:
                path = Path(folder, name)
                size = "<DIR>" if path.is_dir() else str(path.stat().st_size)
                yield f"11-28-26  10:05PM {size:>20} {name}\r\n".encode()

    sent = set()

    class Data(handler.dtp_handler):
        def push_with_producer(self, producer):
            file = getattr(producer, "file", None)
            half = Path(file.name).stat().st_size // 2 if file is not None else 0
            if quirk not in ("cut", "hung up") or not half:
                super().push_with_producer(producer)
                return
            self.socket.setblocking(True)
            self.socket.sendall(file.read(half))
            if quirk == "cut":
                self._resp = ("426 Connection closed; transfer aborted.", str)
            self.close()
            if quirk == "hung up":
                self.cmd_channel.close()

    class Handler(handler):
        abstracted_fs = Names
        dtp_handler = Data

        def ftp_RETR(self, file):  # noqa: N802
            rest = Path(file).read_bytes()[self._restart_position :] if quirk.startswith("short") else b""
            if len(rest) < 2 or (quirk == "short once" and file in sent):
                return super().ftp_RETR(file)
            sent.add(file)
            self._restart_position = 0
            self.push_dtp_data(rest[: len(rest) // 2], isproducer=False, cmd="RETR")
            return None

    lacks = {"lines": ("MLSD", "MLST"), "windows": ("MLSD", "MLST"), "short, no SIZE": ("SIZE",)}.get(quirk, ())
    Handler.proto_cmds = {name: what for name, what in handler.proto_cmds.items() if name not in lacks}
    if quirk == "no size":
        Handler._current_facts = ["type", "modify"]
    if quirk == "cp949":
        Handler.encoding = "cp949"
    return Handler


def main(folder: str, drop_after: str, drop_chance: str, quirk: str) -> None:
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.servers import FTPServer

    chance, dice = float(drop_chance), random.Random(1)

    class Handler(FTPHandler):
        authorizer = DummyAuthorizer()
        timeout = int(drop_after)
        auth_failed_timeout = 0

        def ftp_NOOP(self, line):  # noqa: N802 (pyftpdlib's name)
            return self._at_random(super().ftp_NOOP, line)

        def ftp_RETR(self, file):  # noqa: N802
            return self._at_random(super().ftp_RETR, file)

        def ftp_MLSD(self, path):  # noqa: N802
            return self._at_random(super().ftp_MLSD, path)

        def _at_random(self, answer, argument):
            if dice.random() < chance / 2:
                self.close()
                return None
            answered = answer(argument)
            if dice.random() < chance / 2:
                self.close()
            return answered

    Handler.authorizer.add_user("reader", "secret", folder, perm="elr")
    server = FTPServer(("127.0.0.1", 0), quirky(Handler, quirk))
    if quirk == "one connection":
        server.max_cons_per_ip = 1
    sys.stdout.write(f"{server.address[1]}\n")
    sys.stdout.flush()
    server.serve_forever(handle_exit=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
