// What a host is told, as POSIX shell programs: start a machine, show machines, end them, look around. A machine is a process group with a folder that carries
// its marks; the host is somebody's computer, so the commands of the boot script that would power it off are replaced, first in its PATH, by one that ends
// the group. The kill timer is a process of its own outside that group. A machine is known by pid, start time and boot of its leader, so that nobody
// else's process is ever signalled. Needs Linux (/proc), flock and setsid. Each program is one function called on its last line: half a program does nothing.

import { shellWord } from '../../cloud-init.ts';
import { ANSWER_MARK } from './host-call.ts';

export interface MachineMarks {
  readonly runId: string;
  readonly orderId: string;
  readonly expiresWallMs: number;
  readonly machineType: string;
}

/** Name of the machine's folder. */
export const markOf = ({ runId, orderId }: Pick<MachineMarks, 'runId' | 'orderId'>): string => `${runId}.${orderId}`;

/** proc(5): fields 3, 5 and 22 of stat, counted after the name in parentheses, which may contain anything. A zombie is no process any more. */
const KNOW = `answer() { echo "${ANSWER_MARK}$*"; }
read -r boot </proc/sys/kernel/random/boot_id
ticks() { line=; { read -r line <"/proc/$1/stat"; } 2>/dev/null; set -- \${line##*) }; [ "\${1:-Z}" = Z ] || echo "\${20}"; }
inGroup() {
  for stat in /proc/[0-9]*/stat; do
    line=; { read -r line <"$stat"; } 2>/dev/null; set -- "$group" \${line##*) }
    [ "\${2:-Z}" != Z ] && [ "$4" = "$1" ] && return 0
  done
  return 1
}
isAlive() {
  group=; start=; then=
  { read -r group start then <"$1/process"; } 2>/dev/null
  [ -n "$start" ] && [ "$then" = "$boot" ] || return 1
  now=$(ticks "$group")
  [ "$now" = "$start" ] && return 0
  [ -z "$now" ] && inGroup
}
`;

/** `flock` has a wait, in case that a host hangs on it; the lock ends with the program. */
const openFolder = (folder: string): string => `base=${shellWord(folder)}
  case $base in /*) ;; *) base=$HOME/$base ;; esac
  umask 077
  mkdir -p "$base" && cd "$base" || exit 71
  exec 9>lock && flock -w 20 9 || exit 72`;

/** The leader. It writes itself down and sets the timer before anything else; what the script left running has no machine to run on. */
const power = (mark: string, killAfterS: number): string => `${KNOW}
echo "$$ $(ticks $$) $boot" >process.part && mv process.part process || exit 1
QUILT_MACHINE=$$; export QUILT_MACHINE
[ "$(id -u)" = 0 ] && /usr/bin/systemd-run --quiet --collect --unit=${shellWord(`quilt-kill-${mark}`)} /bin/sh "$PWD/timer.sh" "$PWD" ${killAfterS} 2>/dev/null ||
setsid /bin/sh ./timer.sh "$PWD" ${killAfterS} </dev/null >/dev/null 2>&1 &
/bin/sh ./boot.sh & script=$!
trap 'kill -TERM "$script"' TERM
wait "$script"
while kill -0 "$script" 2>/dev/null; do wait "$script"; done
kill -9 "-$$"
`;

/** By the time since the host's boot, which nobody sets; goes when the machine is gone. */
const TIMER = `${KNOW}
uptime() { read -r up rest </proc/uptime; echo "\${up%.*}"; }
until=$(($(uptime) + $2))
while isAlive "$1"; do
  left=$((until - $(uptime)))
  if [ "$left" -le 0 ]; then kill -9 "-$group"; exit 0; fi
  if [ "$left" -gt 2 ]; then left=2; fi
  sleep "$left"
done
`;

const STAND_INS = {
  ...{ poweroff: 'kill -9 "-$QUILT_MACHINE"', systemctl: 'kill -9 "-$QUILT_MACHINE"', reboot: 'exit 1', halt: 'exit 1' },
  ...{ shutdown: 'exit 1', 'systemd-run': 'exit 1', sync: 'exit 0' },
};

const writeFile = (path: string, text: string): string => `printf %s ${shellWord(text)} >${path}`;

/** Answers `started`, `running` (it is there already), `gone` (it was, and has ended), `busy NAME` (another machine has the host) or `failed WHY`. */
export function startProgram(folder: string, marks: MachineMarks, userData: string, killAfterS: number): string {
  const mark = markOf(marks);
  const bins = Object.entries(STAND_INS).map(([name, body]) => `${writeFile(`bin/${name}`, `#!/bin/sh\n${body}\n`)} || exit 73`);
  return `${KNOW}main() {
  ${openFolder(folder)}
  if [ -d ${mark} ]; then if isAlive ${mark}; then answer running; else answer gone; fi; return 0; fi
  for other in */; do if [ -d "$other" ] && isAlive "$other"; then answer busy "\${other%/}"; return 0; fi; done
  mkdir ${mark} ${mark}/bin && cd ${mark} || exit 73
  ${bins.join('\n  ')}
  chmod 700 bin/*
  ${writeFile('timer.sh', TIMER)} || exit 73
  ${writeFile('power.sh', power(mark, killAfterS))} || exit 73
  ${writeFile('boot.sh', userData)} || exit 73
  echo ${marks.expiresWallMs} ${shellWord(marks.machineType)} >marks || exit 73
  env -i PATH="$PWD/bin:/usr/local/bin:/usr/bin:/bin" HOME="$PWD" LANG=C.UTF-8 setsid /bin/sh ./power.sh </dev/null >>output.log 2>&1 9>&- &
  tries=0
  while [ ! -f process ] && [ "$tries" -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
  if isAlive .; then answer started; else answer failed "$(tail -n 1 output.log)"; fi
}
main
`;
}

/** Answers `RUN ORDER EXPIRES TYPE running|gone` for each machine. */
export const listProgram = (folder: string): string => `${KNOW}main() {
  ${openFolder(folder)}
  for each in */; do
    each=\${each%/}
    { read -r expires type <"$each/marks"; } 2>/dev/null || continue
    if isAlive "$each"; then state=running; else state=gone; fi
    answer "\${each%%.*}" "\${each#*.}" "$expires" "$type" "$state"
  done
}
main
`;

/** Ends these machines of the run and clears away what is left of its dead ones: the ticket is in there. Answers `left MARK` for what would not go. */
export const endProgram = (folder: string, runId: string, marks: readonly string[]): string => `${KNOW}main() {
  ${openFolder(folder)}
  for each in ${marks.join(' ')}; do
    isAlive "$each" || continue
    if [ -n "$now" ]; then kill -TERM "$group"; else kill -TERM "-$group"; fi
  done
  tries=0
  for each in ${marks.join(' ')}; do
    while isAlive "$each" && [ "$tries" -lt 50 ]; do sleep 0.2; tries=$((tries + 1)); done
    if isAlive "$each"; then kill -9 "-$group"; sleep 0.2; fi
    if isAlive "$each"; then sleep 3; fi
    if isAlive "$each"; then answer left "$each"; fi
  done
  for each in ${runId}.*; do if [ -d "$each" ] && ! isAlive "$each"; then rm -rf "$each"; fi; done
}
main 2>/dev/null
`;

/** Answers `missing NAME` for what a machine needs and the host has not. */
export const lookProgram = (folder: string): string => `main() {
  for name in flock setsid sha256sum tar env id; do command -v "$name" >/dev/null || echo "${ANSWER_MARK}missing $name"; done
  command -v curl >/dev/null || command -v wget >/dev/null || echo "${ANSWER_MARK}missing curl"
  [ -r /proc/sys/kernel/random/boot_id ] || echo "${ANSWER_MARK}missing /proc"
  ${openFolder(folder)}
}
main
`;
