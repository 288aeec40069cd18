# SPDX-License-Identifier: Apache-2.0
"""A daemon to be measured, and a client of it."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time


class Client:
    """One connection to the daemon, kept open."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def request(self, method, path, body=None, may_fail=False):
        data = json.dumps(body).encode() if body is not None else b""
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n"
        if data:
            head += "Content-Type: application/json\r\n"
        self.socket.sendall(head.encode() + b"\r\n" + data)
        status = int(self.file.readline().split()[1])
        length = 0
        while (line := self.file.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        answer = json.loads(self.file.read(length) or b"null")
        if status >= 300 and not may_fail:
            sys.exit(f"{method} {path}: {status} {answer}")
        return answer


def timed(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


@contextlib.contextmanager
def daemon(build, settings=""):
    """A daemon in a folder of its own: the folder, its socket's path, and its process. It must end with 0."""
    folder = tempfile.mkdtemp(prefix="holdfast-measure-")
    os.chmod(folder, 0o755)
    path = f"{folder}/run/holdfast.sock"
    with open(f"{folder}/holdfastd.toml", "w") as file:
        file.write(settings)
    process = subprocess.Popen(
        [f"{build}/holdfastd", "run", "--config", f"{folder}/holdfastd.toml", "--state-dir", f"{folder}/state"]
        + ["--runtime-dir", f"{folder}/run", "--mount-root", f"{folder}/mounts", "--allow-private-namespace"]
        + ["--log-level", "error"]
    )
    try:
        while not os.path.exists(path):
            time.sleep(0.01)
        yield folder, path, process
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait()
    if status:
        sys.exit(f"holdfastd ended with {status}")
    shutil.rmtree(folder)
