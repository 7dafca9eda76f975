"""An FTP server on this machine: ``python -m ocr_pipeline_tests.storage.ftp_server FOLDER [SECONDS]``.

It prints its port. Connections that are idle for SECONDS are dropped, as real servers do.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serving(folder: Path, drop_after: int = 300) -> Iterator[str]:
    """Serve a folder from a process of its own; gives its URL."""
    command = [sys.executable, "-m", __name__, str(folder), str(drop_after)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield f"ftp://reader:secret@127.0.0.1:{server.stdout.readline().strip()}"
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def main(folder: str, drop_after: str) -> None:
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.servers import FTPServer

    authorizer = DummyAuthorizer()
    authorizer.add_user("reader", "secret", folder, perm="elr")
    settings = {"authorizer": authorizer, "timeout": int(drop_after), "auth_failed_timeout": 0}
    handler = type("Handler", (FTPHandler,), settings)
    server = FTPServer(("127.0.0.1", 0), handler)
    sys.stdout.write(f"{server.address[1]}\n")
    sys.stdout.flush()
    server.serve_forever(handle_exit=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
