"""Starts a command under another user, without sudo: one asks over a socket, and systemd answers with a process of that user.

    apart.py ask SOCKET COMMAND…   run by the loop in place of COMMAND: hands its own stdin, stdout and stderr, its environment and its folder
                                   over the socket, waits, and ends as COMMAND ended. If it is killed, COMMAND and what that started are killed.
    apart.py serve                 run by systemd (murmur-agent@.service) for one connection, as the agents' user; stdin is the connection

Only the loop's user may open the socket (SocketMode), the three streams are the loop's own pipes (so nothing is copied), and secrets
travel in the environment over the socket, never in a command line. Standard library only, so that it is small (13 MB) and starts at once.
"""

import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

MAX_REQUEST: Final = 1_000_000
_LENGTH: Final = struct.Struct("!I")
_NO_FOLDER, _NO_PROGRAM = 126, 127


def ask(place: str, command: list[str]) -> int:
    """Have ``command`` run; returns its exit code, negative for a signal."""
    body = json.dumps({"argv": command, "environment": dict(os.environ), "cwd": str(Path.cwd())}).encode()
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(place)
        socket.send_fds(line, [_LENGTH.pack(len(body))], [0, 1, 2])
        line.sendall(body)
        # Handed over: from here on the command alone holds the streams, so that their ends are its end.
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        answer = line.recv(_LENGTH.size)
    return struct.unpack("!i", answer)[0] if len(answer) == _LENGTH.size else 1


def serve() -> int:
    """Run what the one connection asks for, and tell how it ended."""
    with socket.socket(fileno=os.dup(0)) as line:
        length, streams, _, _ = socket.recv_fds(line, _LENGTH.size, 3)
        if len(length) != _LENGTH.size or len(streams) != 3:
            return 1
        wanted = _request(line, _LENGTH.unpack(length)[0])
        code = _run(wanted, streams, line) if wanted else 1
        try:
            line.sendall(struct.pack("!i", code))
        except OSError:
            return 0  # whoever asked is gone; what it started was killed
    return 0


def _request(line: socket.socket, length: int) -> dict[str, Any]:
    if length > MAX_REQUEST:
        return {}
    body = b""
    while len(body) < length:
        part = line.recv(length - len(body))
        if not part:
            return {}
        body += part
    found: dict[str, Any] = json.loads(body)
    return found


def _run(wanted: dict[str, Any], streams: list[int], line: socket.socket) -> int:
    try:
        process = subprocess.Popen(  # noqa: S603 - the loop chose it from the deployment's list
            wanted["argv"],
            env=wanted["environment"],
            cwd=wanted["cwd"],
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
            start_new_session=True,
        )
    except OSError as error:
        os.write(streams[2], f"{wanted['argv'][0]}: {error.strerror}\n".encode())
        return _NO_PROGRAM if isinstance(error, FileNotFoundError) else _NO_FOLDER
    finally:
        for stream in streams:
            os.close(stream)
    end = os.pidfd_open(process.pid)
    heard = select.poll()
    heard.register(end, select.POLLIN)
    heard.register(line, select.POLLIN | select.POLLHUP)
    heard.poll()
    # Ended by itself, or whoever asked is gone: either way nothing it started stays.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    os.close(end)
    return process.wait()


def main(words: list[str]) -> int:
    """The command line."""
    if words[:1] == ["serve"]:
        return serve()
    if words[:1] != ["ask"] or len(words) < 3:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    code = ask(words[1], words[2:])
    if code < 0:  # end the way the command ended, so that whoever started this sees the same
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
