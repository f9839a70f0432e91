"""Gets the program bundle onto a machine that boots: block by block, from the other machines that boot with it and from the seed.

This is Python because such a machine has no Node yet (Node is most of what it fetches), while cloud-init, which runs the boot script, is
Python itself: 3.8 or newer is there, with nothing but its standard library. The boot script fetched this file from the seed and checked
its hash; the hash of the block list comes from the user data too, so no peer and no line needs trust: a block is what its hash says or
it is not there. The seed's tracker (bundle-tracker.ts) tells who has what, and which blocks to take from the seed itself.

Ends with 0 when the file is whole and nobody needs this machine's copy; the port is free then. Ends with 1 when it gets nowhere; the
boot script then fetches the whole bundle from the seed. Everything is bounded: connections, sizes, and the time of each step and of all.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import secrets
import socket
import sys
import threading
import time
from dataclasses import dataclass
from typing import Callable, Dict, Optional, Set
from urllib.parse import urlsplit

WORKERS = 6  # blocks on their way to this machine at once
FROM_ONE_MAX = 2  # of them from the same peer
LINES_MAX = 128  # of those who ask this machine, strangers that say nothing included
UPLOADS_MAX = 16  # answered at once; each holds a block in memory
PEERS_MAX = 64  # remembered at once
LIST_BYTES_MAX = 1 << 20
HEAD_BYTES_MAX = 2048
CONNECT_S = 3.0
HEAD_S = 5.0
SMALL_S = 10.0  # one report or list
BLOCK_S = 30.0  # one block, either way; a slower peer is as good as none
AGAIN_S = 3.0  # a block that is on its way for longer may come from another peer as well
NOTHING_S = 30.0  # without a byte from the seed or a block from a peer: give up
WHOLE_S = 900.0
IDLE_S = 10.0  # served nobody for so long: nobody needs this copy
LINGER_S = 60.0


def say(text: str) -> None:
    print(f"spread: {text}", flush=True)


def ask(host: str, port: int, request: str, body: str, bytes_max: int, limit_s: float, moved: Callable[[], None] = lambda: None) -> bytes:
    """The body of the answer to one HTTP request. OSError for whatever else comes, comes too slowly, or is too long."""
    until = time.monotonic() + limit_s
    with socket.create_connection((host, port), timeout=CONNECT_S) as line:
        line.settimeout(SMALL_S)
        line.sendall(f"{request} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        got = bytearray()
        while True:
            left_s = until - time.monotonic()
            if left_s <= 0 or len(got) > bytes_max + HEAD_BYTES_MAX:
                raise OSError("too slow or too long")
            line.settimeout(left_s)
            part = line.recv(1 << 18)
            if not part:
                break
            got += part
            moved()
    head, _, answer = bytes(got).partition(b"\r\n\r\n")
    if re.match(rb"HTTP/1\.[01] 200 ", head) is None:
        raise OSError(f"answered {head[:60]!r}")
    return answer


@dataclass
class Peer:
    host: str
    port: int
    have: int = 0  # bit i: has block i
    busy: int = 0  # requests under way to it
    failures: int = 0  # in a row
    rests_until: float = 0.0


class Spread:
    """What this machine has and knows; `lock` guards all that several threads change."""

    def __init__(self, seed: str, blocks_sha256: str, path: str, listen: Optional[str]) -> None:
        url = urlsplit(seed)
        self.seed_host, self.seed_port, self.prefix = url.hostname or "", url.port or 80, url.path
        self.listener: Optional[socket.socket] = None
        self.host: Optional[str] = None
        if listen is not None:
            address, port = listen.rsplit(":", 1)
            self.listener = socket.create_server((address, int(port)), backlog=64)  # reuses an address that is only waiting
            self.host = None if address == "0.0.0.0" else address
        text = ask(self.seed_host, self.seed_port, f"GET {self.prefix}/blocks", "", LIST_BYTES_MAX, SMALL_S)
        if hashlib.sha256(text).hexdigest() != blocks_sha256:
            raise OSError("the block list is not the one that was ordered")
        listed = json.loads(text)
        self.size, self.block_bytes, self.hashes = listed["sizeBytes"], listed["blockBytes"], listed["sha256"]
        self.all = (1 << len(self.hashes)) - 1
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self.id = secrets.token_hex(16)
        self.lock = threading.Condition()
        self.uploads = threading.Semaphore(UPLOADS_MAX)
        self.report_now = threading.Event()
        self.have = 0
        self.take: Set[int] = set()  # given by the tracker to take from the seed, not begun
        self.taking: Set[int] = set()  # the same, until they are done
        self.began: Dict[int, float] = {}  # blocks on their way, since when
        self.peers: Dict[str, Peer] = {}
        self.evil: Set[str] = set()
        self.moved_at = self.asked_at = time.monotonic()
        self.pause_s = 0.5
        self.broken: Optional[BaseException] = None
        self.from_seed = 0

    def length(self, block: int) -> int:
        return min(self.block_bytes, self.size - block * self.block_bytes)

    # Others ask this machine.

    def serve(self, listener: socket.socket) -> None:
        slots = threading.Semaphore(LINES_MAX)

        def answer_one(line: socket.socket) -> None:
            try:
                with line:
                    self.answer(line)
            except OSError:
                pass  # the asker has gone or was too slow: its own loss
            finally:
                slots.release()

        while True:
            slots.acquire()  # the backlog waits meanwhile, and is bounded
            try:
                line, _ = listener.accept()
            except OSError:  # no descriptors, or the asker has gone already
                slots.release()
                time.sleep(0.1)
                continue
            threading.Thread(target=answer_one, args=(line,), daemon=True).start()

    def answer(self, line: socket.socket) -> None:
        until = time.monotonic() + HEAD_S
        head = b""
        while b"\r\n\r\n" not in head:
            left_s = until - time.monotonic()
            if left_s <= 0 or len(head) > HEAD_BYTES_MAX:
                return
            line.settimeout(left_s)
            part = line.recv(HEAD_BYTES_MAX)
            if not part:
                return
            head += part
        asked = re.fullmatch(f"GET {re.escape(self.prefix)}/(?:have|block/([0-9]{{1,6}})) HTTP/1\\.[01]".encode(), head.split(b"\r\n", 1)[0])
        line.settimeout(BLOCK_S)
        with self.uploads:
            body: Optional[bytes] = None
            if asked is not None and asked[1] is None:
                body = self.bitmap().encode()
            elif asked is not None and self.have >> int(asked[1]) & 1:
                body = os.pread(self.file, self.length(int(asked[1])), int(asked[1]) * self.block_bytes)
            status = "404 Not Found" if body is None else "200 OK"
            line.sendall(f"HTTP/1.0 {status}\r\nContent-Length: {len(body or b'')}\r\n\r\n".encode() + (body or b""))
        if asked is not None:
            self.asked_at = time.monotonic()

    def bitmap(self) -> str:
        return self.have.to_bytes((len(self.hashes) + 7) // 8, "little").hex()

    # This machine asks others.

    def report(self) -> int:
        """How many machines still miss something, as the tracker knows. OSError when it cannot be asked."""
        with self.lock:
            avoid = [name for name, peer in self.peers.items() if peer.failures > 1] + list(self.evil)
            report = {
                "id": self.id,
                "port": None if self.listener is None else self.listener.getsockname()[1],
                "host": self.host,
                "have": self.bitmap(),
                "taking": sorted(self.taking),
                "avoid": avoid[-PEERS_MAX:],
            }
        answer = ask(self.seed_host, self.seed_port, f"POST {self.prefix}/peers", json.dumps(report), LIST_BYTES_MAX, SMALL_S)
        try:
            told = json.loads(answer)
            heard = {f"{each['host']}:{each['port']}": each for each in told["peers"]}
            with self.lock:
                for name, each in heard.items():
                    if name not in self.evil:
                        peer = self.peers.setdefault(name, Peer(each["host"], each["port"]))
                        peer.have |= int.from_bytes(bytes.fromhex(each["have"]), "little")
                for name in [name for name in self.peers if name not in heard][: max(0, len(self.peers) - PEERS_MAX)]:
                    del self.peers[name]
                fresh = {block for block in told["take"] if 0 <= block < len(self.hashes) and not self.have >> block & 1} - self.taking
                self.take |= fresh
                self.taking |= fresh
                self.pause_s = min(5.0, max(0.1, float(told["pauseS"])))
                self.lock.notify_all()
            return int(told["expected"]) - int(told["complete"])
        except (ValueError, KeyError, TypeError) as error:
            raise OSError(f"the tracker answered {answer[:60]!r}") from error

    def ask_peers(self) -> None:
        """What the known peers have, from themselves: for when the tracker is gone."""
        for name, peer in list(self.peers.items()):
            if peer.rests_until > time.monotonic():
                continue
            try:
                text = ask(peer.host, peer.port, f"GET {self.prefix}/have", "", len(self.bitmap()), CONNECT_S)
                with self.lock:
                    peer.have |= int.from_bytes(bytes.fromhex(text.decode()), "little")
                    self.lock.notify_all()
            except (OSError, ValueError):
                with self.lock:
                    self.judge(peer, False)

    @staticmethod
    def judge(peer: Peer, is_right: bool) -> None:
        """After an answer, with the lock: who failed rests, ever longer."""
        peer.failures = 0 if is_right else peer.failures + 1
        peer.rests_until = 0.0 if is_right else time.monotonic() + 2.0 ** min(peer.failures, 5) / 2

    def work(self) -> None:
        try:
            while True:
                with self.lock:
                    job = self.next_job()
                    if job is None:
                        self.lock.wait(0.5)
                        continue
                self.fetch(*job)
        except Exception as error:  # told and ended by the main thread: a full disk, or a mistake here
            self.broken = error

    def next_job(self) -> Optional[tuple[int, Optional[Peer]]]:
        """A block and where to get it; None = the seed. What fewest have comes first, so that it is soon where more can get it."""
        now = time.monotonic()
        self.taking -= {block for block in self.take if self.have >> block & 1}  # a peer was quicker
        self.take &= self.taking
        if self.take:
            block, best = self.take.pop(), None
        else:
            idle = [peer for peer in self.peers.values() if peer.busy < FROM_ONE_MAX and peer.rests_until <= now]
            found = []
            for wanted in range(len(self.hashes)):
                if not self.have >> wanted & 1 and now - self.began.get(wanted, now - AGAIN_S) >= AGAIN_S:
                    holders = [peer for peer in idle if peer.have >> wanted & 1]
                    if holders:
                        found.append((len(holders), random.random(), wanted, holders))
            if not found:
                return None
            _, _, block, holders = min(found)
            best = min(holders, key=lambda peer: (peer.busy, random.random()))
            best.busy += 1
        self.began[block] = now
        return block, best

    def fetch(self, block: int, peer: Optional[Peer]) -> None:
        """From the peer, or from the seed when it is None."""
        host, port = (self.seed_host, self.seed_port) if peer is None else (peer.host, peer.port)
        moved = self.moved if peer is None else lambda: None  # a peer that only trickles moves nothing
        try:
            data = ask(host, port, f"GET {self.prefix}/block/{block}", "", self.length(block), BLOCK_S, moved)
        except (OSError, ValueError):  # ValueError: a name that is none
            data = None
        is_right = data is not None and hashlib.sha256(data).hexdigest() == self.hashes[block]
        if data is not None and is_right:
            os.pwrite(self.file, data, block * self.block_bytes)
        with self.lock:
            self.began.pop(block, None)
            if peer is None:
                self.taking.discard(block)
                self.from_seed += is_right
            else:
                peer.busy -= 1
                self.judge(peer, is_right)
                if data is not None and not is_right:
                    say(f"{host}:{port} gave a wrong block {block} and is left out")
                    self.evil.add(f"{host}:{port}")
                    self.peers.pop(f"{host}:{port}", None)
            if is_right:
                self.have |= 1 << block
                self.moved()
        if is_right and (peer is None or self.have == self.all):
            self.report_now.set()  # for the next block from the seed, without a pause in between

    def moved(self) -> None:
        self.moved_at = time.monotonic()

    def get(self) -> bool:
        """Whether all blocks came."""
        until = time.monotonic() + WHOLE_S
        while self.have != self.all:
            if self.broken is not None:
                raise self.broken
            if time.monotonic() > min(until, self.moved_at + NOTHING_S):
                return False
            self.report_now.clear()
            try:
                self.report()
            except OSError as error:
                say(f"the tracker cannot be asked: {error}")
                self.ask_peers()
            self.report_now.wait(self.pause_s)
        return True

    def linger(self) -> None:
        """Serves until all machines have everything, or nobody asked for a while."""
        self.asked_at = time.monotonic()
        until = self.asked_at + LINGER_S
        is_known = True
        while time.monotonic() < min(until, self.asked_at + IDLE_S):
            try:
                missing = self.report() if is_known else 1
            except OSError:
                missing, is_known = 1, False
            if missing <= 0 or self.listener is None:
                return
            time.sleep(self.pause_s)


def main() -> int:
    parser = argparse.ArgumentParser(description="fetch the bundle from the seed and from each other")
    parser.add_argument("--seed", required=True, help="http://HOST:PORT/TOKEN")
    parser.add_argument("--blocks", required=True, help="SHA-256 of the block list")
    parser.add_argument("--out", required=True, help="the file; it appears when it is whole")
    parser.add_argument("--listen", help="ADDRESS:PORT where others reach this machine; 0.0.0.0 = as the tracker sees it")
    flags = parser.parse_args()
    part = flags.out + ".blocks"
    began = time.monotonic()
    try:
        spread = Spread(flags.seed, flags.blocks, part, flags.listen)
        if spread.listener is not None:
            threading.Thread(target=spread.serve, args=(spread.listener,), daemon=True).start()
        for _ in range(WORKERS):
            threading.Thread(target=spread.work, daemon=True).start()
        if not spread.get():
            say(f"nothing came any more, {bin(spread.have).count('1')} of {len(spread.hashes)} blocks are here")
            return 1
        os.rename(part, flags.out)
        say(f"all {len(spread.hashes)} blocks in {time.monotonic() - began:.2f} s, {spread.from_seed} of them from the seed")
        spread.linger()
        return 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        say(f"gave up: {error!r}")
        return 1
    finally:
        if os.path.exists(part):
            os.unlink(part)


if __name__ == "__main__":
    sys.exit(main())
