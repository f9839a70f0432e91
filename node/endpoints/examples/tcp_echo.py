#!/usr/bin/env python3
"""An endpoint type in Python for quilt-swarm's `exec`: sends lines to a TCP echo server and measures how long they take to come back.

Hosts any number of endpoints in one process, one thread each. Needs the standard library only. Settings: host, port, intervalMs.
Metrics to declare in the scenario: echo_rtt (trend, ms), echo_lines (counter).
"""
import json
import socket
import sys
import threading
import time

out_lock = threading.Lock()


def say(**message):
    """One line to quilt-swarm. Flushed at once: a buffered line is a line that says nothing."""
    with out_lock:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def now_ms():
    """The clock of dueAtMs and stopAtMs: CLOCK_MONOTONIC."""
    return time.monotonic() * 1000


class Leave:
    """Told to leave: wakes whoever waits, and whoever reads from a target that does not answer."""

    def __init__(self):
        self.event = threading.Event()
        self.connection = None

    def now(self):
        self.event.set()
        if self.connection is not None:
            try:
                self.connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # closed already


def run_endpoint(number, settings, start, leave):
    """One life: connect, send on schedule until told to leave, say done."""
    interval_ms = settings.get("intervalMs", 1000)
    try:
        address = (settings["host"], int(settings["port"]))
        with socket.create_connection(address, timeout=5) as connection, connection.makefile("rwb") as stream:
            leave.connection = connection
            say(type="joined", endpoint=number)
            due_ms = now_ms()
            while not leave.event.wait(max(0, due_ms - now_ms()) / 1000):
                stream.write(("hello from %s\n" % start["values"]["endpoint.id"]).encode())
                stream.flush()
                if not stream.readline():
                    if leave.event.is_set():
                        break
                    raise ConnectionError("closed by the target")
                # From when the line was due, not from when it was sent: a late generator must not flatter the target.
                say(type="sample", metric="echo_rtt", value=now_ms() - due_ms)
                say(type="sample", metric="echo_lines", value=1)
                due_ms += interval_ms
    except OSError as error:
        cause = "connect-refused" if isinstance(error, ConnectionRefusedError) else "reset"
        if not leave.event.is_set():
            say(type="error", endpoint=number, side="target", cause=cause, example=str(error))
    say(type="done", endpoint=number)


def beat():
    """Something must be heard within the scenario's heartbeat, also when there is nothing to say."""
    while True:
        time.sleep(1)
        say(type="alive")


def main():
    settings = {}
    leaving = {}
    threading.Thread(target=beat, daemon=True).start()
    # The end of stdin means that quilt-swarm is gone: main returns, and the daemon threads end with the process.
    for line in sys.stdin:
        message = json.loads(line)
        kind = message["type"]
        if kind == "setup":
            settings = message["settings"]
            say(type="ready")
        elif kind == "start":
            number = message["endpoint"]
            leaving[number] = Leave()
            threading.Thread(target=run_endpoint, args=(number, settings, message, leaving[number]), daemon=True).start()
        elif kind == "stop":
            leaving[message["endpoint"]].now()
        elif kind == "exit":
            break


if __name__ == "__main__":
    main()
