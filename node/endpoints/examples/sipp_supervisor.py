#!/usr/bin/env python3
"""Runs SIPp with a user's XML scenario as a quilt-swarm endpoint (type `exec`): one endpoint is one SIPp process that makes calls at a rate.

SIPp's statistics file (-trace_stat) gives calls and failures each second, its response time file (-trace_rtt) every single response time, so
that percentiles over the whole swarm are real ones. Needs python3 and sipp (Debian: sip-tester).

Settings: target (host:port), scenario (XML file; default: SIPp's own uac), rate (calls per second), callsMax, concurrentMax, localIp, sippArguments.
Metrics to declare: sip_calls, sip_calls_succeeded, sip_calls_failed (counters), sip_calls_active (gauge), sip_response_time (trend, ms).
"""
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

# Below SIPp's default buffers messages are lost from about 3,000 calls/s on; this is what net.core.rmem_max allows.
SOCKET_BUFFER_BYTES = "4000000"
OUT_LOCK = threading.Lock()


def say(**message):
    with OUT_LOCK:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


class Tail:
    """Reads the complete lines that were added to a file since the last time."""

    def __init__(self, path):
        self.path = path
        self.position = 0

    def lines(self):
        try:
            with open(self.path, newline="") as file:
                file.seek(self.position)
                text = file.read()
        except FileNotFoundError:
            return []
        complete = text.rfind("\n") + 1
        self.position += len(text[:complete].encode())
        return text[:complete].splitlines()


class Call:
    """One SIPp process and its files."""

    def __init__(self, number, settings, folder):
        self.number = number
        self.base = os.path.join(folder, "sipp-%d-%d" % (os.getpid(), number))
        self.leaving = threading.Event()
        self.kill_at = None
        self.header = None
        self.before = {}
        self.statistics = Tail(self.base + ".csv")
        # In the background SIPp would stop at its terminal (-nostdin); the parent-death signal takes it along when this process is killed.
        command = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        command += ["sipp", settings["target"], "-nostdin", "-r", str(settings.get("rate", 10)), "-l", str(settings.get("concurrentMax", 1000))]
        command += ["-sf", os.path.abspath(settings["scenario"])] if "scenario" in settings else ["-sn", "uac"]
        command += ["-m", str(settings["callsMax"])] if "callsMax" in settings else []
        command += ["-i", settings["localIp"]] if "localIp" in settings else []
        command += ["-trace_stat", "-stf", self.base + ".csv", "-fd", "1", "-trace_rtt", "-rtt_freq", "1", "-buff_size", SOCKET_BUFFER_BYTES]
        command += settings.get("sippArguments", [])
        # SIPp writes its response time file into its working folder, under a name made of the scenario's and its own pid.
        os.makedirs(self.base, exist_ok=True)
        self.process = subprocess.Popen(command, cwd=self.base, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sys.stderr)
        self.response_times = None
        self.started = time.monotonic()

    def report(self):
        """Everything that SIPp wrote since the last time, as samples."""
        for row in csv.reader(self.statistics.lines(), delimiter=";"):
            if self.header is None:
                self.header = row
            else:
                self.report_statistics(dict(zip(self.header, row)))
        self.report_response_times()

    def report_statistics(self, row):
        # The (C) columns are cumulative: a missed line loses nothing.
        for column, metric in (("TotalCallCreated", "sip_calls"), ("SuccessfulCall(C)", "sip_calls_succeeded"), ("FailedCall(C)", "sip_calls_failed")):
            total = int(row.get(column) or 0)
            more = total - self.before.get(column, 0)
            self.before[column] = total
            if more > 0:
                say(type="sample", metric=metric, value=more, endpoint=self.number)
                if metric == "sip_calls_failed":
                    say(type="error", endpoint=self.number, side="target", cause="call-failed", example="%d calls failed, see %s" % (more, self.base))
        say(type="sample", metric="sip_calls_active", value=int(row.get("CurrentCall") or 0), endpoint=self.number)

    def report_response_times(self):
        if self.response_times is None:
            found = [name for name in os.listdir(self.base) if name.endswith("_rtt.csv")]
            if not found:
                return
            self.response_times = Tail(os.path.join(self.base, found[0]))
        for line in self.response_times.lines():
            fields = line.split(";")
            try:
                say(type="sample", metric="sip_response_time", value=float(fields[1]), endpoint=self.number)
            except (IndexError, ValueError):
                continue  # the header

    def live(self):
        joined = False
        while self.process.poll() is None:
            self.leaving.wait(0.25)
            if self.leaving.is_set():
                self.wind_up()
                break
            self.report()
            if not joined and self.before.get("TotalCallCreated", 0) > 0:
                joined = True
                say(type="joined", endpoint=self.number)
        self.process.wait()
        self.report()
        # 0: all calls succeeded; 1: at least one failed, which was counted; 97: ended by signal or -timeout; negative: killed by us.
        if self.process.returncode not in (0, 1, 97) and self.process.returncode >= 0:
            say(type="error", endpoint=self.number, side="generator", cause="sipp-failed", example="sipp ended with exit code %d" % self.process.returncode)
        say(type="done", endpoint=self.number)

    def wind_up(self):
        """SIGUSR1 is SIPp's q key: no new calls, and the end when the last one is over."""
        self.process.send_signal(signal.SIGUSR1)
        while self.process.poll() is None and time.monotonic() < self.kill_at:
            time.sleep(0.05)
        if self.process.poll() is None:
            self.process.kill()


def main():
    calls = {}
    settings, folder = {}, "."

    def beat():
        while True:
            time.sleep(1)
            say(type="alive")

    threading.Thread(target=beat, daemon=True).start()
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "setup":
            settings, folder = message["settings"], message["workFolder"]
            if shutil.which("sipp") is None:
                say(type="error", side="generator", cause="sipp-missing", example="install sip-tester")
            say(type="ready")
        elif message["type"] == "start":
            call = Call(message["endpoint"], settings, folder)
            calls[message["endpoint"]] = call
            threading.Thread(target=call.live, daemon=True).start()
        elif message["type"] == "stop":
            call = calls[message["endpoint"]]
            # Half of the grace for calls to end by themselves.
            call.kill_at = time.monotonic() + message["graceMs"] / 2000
            call.leaving.set()
        elif message["type"] == "exit":
            break
    for call in calls.values():
        if call.process.poll() is None:
            call.process.kill()


if __name__ == "__main__":
    main()
