#!/bin/sh
# An endpoint type in POSIX shell for quilt-swarm's `exec`: asks a URL with curl once a second and reports how long it took.
# One endpoint a process (endpointsPerProcess: 1, the default), so the endpoint's number is always 0.
# The URL is the first argument. Metrics to declare: probe_ms (trend, ms), probe_ok (rate, percent).
# There is no JSON parser in a shell, but each line comes alone and its type is in it, so matching the text is enough.

url=$1
running=

say() { printf '%s\n' "$1"; }

probe_forever() {
  say '{"type":"joined","endpoint":0}'
  while :; do
    # curl gives seconds; the metric is in ms.
    if seconds=$(curl -s -o /dev/null -f --max-time 5 -w '%{time_total}' "$url"); then
      say "{\"type\":\"sample\",\"metric\":\"probe_ms\",\"value\":$(awk "BEGIN{print $seconds*1000}")}"
      say '{"type":"sample","metric":"probe_ok","value":true}'
    else
      say '{"type":"sample","metric":"probe_ok","value":false}'
      say "{\"type\":\"error\",\"side\":\"target\",\"cause\":\"probe-failed\",\"example\":\"curl exit $?\",\"endpoint\":0}"
    fi
    sleep 1
  done
}

finish() {
  if [ -n "$running" ]; then
    kill "$running" 2>/dev/null
    wait "$running" 2>/dev/null
    running=
  fi
}

# `read` fails at the end of stdin: quilt-swarm is gone, and so is this.
while IFS= read -r line; do
  case $line in
    *'"type":"setup"'*) say '{"type":"ready"}' ;;
    *'"type":"start"'*) probe_forever & running=$! ;;
    *'"type":"stop"'*) finish; say '{"type":"done","endpoint":0}' ;;
    *'"type":"exit"'*) break ;;
  esac
done
finish
