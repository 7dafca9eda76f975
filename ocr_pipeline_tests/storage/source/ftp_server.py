"""An FTP server on this machine: ``python -m ocr_pipeline_tests.storage.source.ftp_server FOLDER IDLE CHANCE``.

It prints its port. Connections that are idle for IDLE seconds are dropped, as real servers do, and any other at each
command with the given CHANCE: before the command is answered, or in the middle of the answer.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serving(folder: Path, drop_after: int = 300, drop_chance: float = 0.0) -> Iterator[str]:
    """Serve a folder from a process of its own; gives its URL."""
    command = [sys.executable, "-m", __name__, str(folder), str(drop_after), str(drop_chance)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield f"ftp://reader:secret@127.0.0.1:{server.stdout.readline().strip()}"
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def main(folder: str, drop_after: str, drop_chance: str) -> None:
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
    server = FTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.address[1]}\n")
    sys.stdout.flush()
    server.serve_forever(handle_exit=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
