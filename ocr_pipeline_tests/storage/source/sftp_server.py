"""An SFTP server on this machine: ``python -m ocr_pipeline_tests.storage.source.sftp_server FOLDER CHANCE``.

It prints its port, shows FOLDER as its root, and drops a connection before an answer with the given CHANCE.
"""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko

PASSWORD = "se@cret%41"


@contextmanager
def serving_sftp(folder: Path, drop_chance: float = 0.0) -> Iterator[str]:
    """Serve a folder from a process of its own; gives its URL."""
    command = [sys.executable, "-m", __name__, str(folder), str(drop_chance)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield f"sftp://reader:{PASSWORD}@127.0.0.1:{server.stdout.readline().strip()}"
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


class _Login(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        sound = (username, password) == ("reader", PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if sound else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


def _files_below(root: str, chance: float, transport: paramiko.Transport) -> type[paramiko.SFTPServerInterface]:
    dice = random.Random(1)

    class Files(paramiko.SFTPServerInterface):
        def list_folder(self, path):
            return self._answer(lambda: [self._described(each) for each in Path(root + path).iterdir()])

        def stat(self, path):
            return self._answer(lambda: paramiko.SFTPAttributes.from_stat(Path(root + path).stat()))

        lstat = stat

        def open(self, path, flags, attr):
            return self._answer(lambda: self._handle(root + path, flags))

        def _handle(self, path, flags):
            handle = paramiko.SFTPHandle(flags)
            handle.readfile = open(path, "rb")  # noqa: SIM115, PTH123 (the handle closes it)
            return handle

        def _described(self, path):
            return paramiko.SFTPAttributes.from_stat(path.stat(), path.name)

        def _answer(self, work):
            if dice.random() < chance:
                transport.close()
            try:
                return work()
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)

    return Files


def _serve(connection: socket.socket, key: paramiko.PKey, root: str, chance: float) -> None:
    transport = paramiko.Transport(connection)
    transport.add_server_key(key)
    transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _files_below(root, chance, transport))
    transport.start_server(server=_Login())
    channel = transport.accept(30)  # closes when nobody holds it
    transport.join()
    del channel


def main(folder: str, drop_chance: str) -> None:
    key = paramiko.RSAKey.generate(2048)
    with socket.create_server(("127.0.0.1", 0)) as server:
        sys.stdout.write(f"{server.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            connection, _ = server.accept()
            arguments = (connection, key, folder, float(drop_chance))
            threading.Thread(target=_serve, args=arguments, daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
