// What a rented machine does from its first second: renders cloud-init user data, and the shell script in it, as a pure function. The order is the point: first
// the operating system's own kill timer, which needs nothing of ours to work and nothing of ours can forget; then the program bundle, by its hash, from the
// other machines that boot (spread.py) or, where that gets nowhere, from one of its addresses; then `quilt-swarm join`; and whatever happens, power off.
// The only secret is the run's ticket, which expires. JSON is YAML, so values are quoted by JSON.stringify there and as single-quoted words in the
// shell; nothing is pasted. How a vendor encodes the text is the vendor's file.

import { fail, ok, type Result } from '../node/core/errors.ts';

/** How machines fetch the bundle from each other before they try its addresses. */
export interface BootSpread {
  /** Of the seed, with its token: below it are spread.py, the block list, the blocks and the tracker. */
  readonly url: string;
  /** Hex, of spread.py. */
  readonly scriptSha256: string;
  /** Hex, of the block list. */
  readonly blocksSha256: string;
  /** ADDRESS:PORT where this machine serves others until it joins; null where nobody can reach it. */
  readonly listen: string | null;
}

export interface BootInit {
  /** Joins the swarm; good until it expires. */
  readonly ticket: string;
  /** Tried in turn, all of them several times: a signed URL of the artifact store, the seed, seeds elsewhere. */
  readonly bundleUrls: readonly string[];
  /** Absent: every machine fetches the whole bundle from `bundleUrls`. */
  readonly spread?: BootSpread;
  /** Hex. A bundle with another hash is not started. */
  readonly bundleSha256: string;
  /** From the first second: then the machine goes, whatever runs on it. Whole seconds. */
  readonly killAfterS: number;
  /** region, vendor and the like: `--label` of the node. */
  readonly labels: Readonly<Record<string, string>>;
  /** Where the machine asks how others see it (most vendors' public addresses are on no interface), and the port that is reached there. Absent: it announces what it listens on. */
  readonly announce?: { readonly url: string; readonly port: number };
  /** Further words for `join`, such as `--listen` and its value. */
  readonly joinFlags: readonly string[];
  /** Where everything of the run lies on the machine; for scripts it may be relative to where they are started. */
  readonly folder: string;
}

/** The machine's own folder; /opt is on the disk, also where /tmp and /run are small memory disks. */
export const BOOT_FOLDER = '/opt/quilt-swarm';

const FETCH_ROUNDS = 10;
const FETCH_PAUSE_S = 6;
/** One try; a continued download keeps what an earlier one got. */
const FETCH_S_MAX = 300;

/** Longer than spread.py takes at worst by its own bounds: getting, serving others, and one step of each that had just begun. */
const SPREAD_S_MAX = 1020;

/** One word for a POSIX shell, whatever is in it (POSIX.1-2017, XCU 2.2.2). */
export const shellWord = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Sets the timer three ways, the best that the machine has: systemd's is exact and survives this shell; shutdown's counts minutes. */
function killTimer(killAfterS: number): string {
  return [
    `if systemd-run --quiet --unit=quilt-kill-timer --on-active=${killAfterS} --timer-property=AccuracySec=1s systemctl poweroff --force; then :`,
    `elif shutdown -P +${Math.ceil(killAfterS / 60)} 'quilt-swarm: the run is over'; then :`,
    `else (sleep ${killAfterS}; poweroff -f) </dev/null >/dev/null 2>&1 & fi`,
  ].join('\n');
}

/** Lines that leave bundle.tar.gz when the machines could give it to each other. Without python3, or when anything fails, they leave nothing. */
function spreadSteps({ url, scriptSha256, blocksSha256, listen }: BootSpread): string {
  const flags = ['--seed', url, '--blocks', blocksSha256, '--out', 'bundle.tar.gz', ...(listen === null ? [] : ['--listen', listen])];
  return `
spread() {
  command -v python3 >/dev/null && fetch ${shellWord(`${url}/spread.py`)} spread.py && hasHash ${shellWord(scriptSha256)} spread.py || return 1
  timeout --foreground -k 5 ${SPREAD_S_MAX} python3 -I -B spread.py ${flags.map(shellWord).join(' ')}
}
spread; code=$?
if hasHash "$wanted" bundle.tar.gz; then isFetched=yes; else say "no bundle from other machines (code $code)"; rm -f bundle.tar.gz; fi
rm -f spread.py`;
}

/** Leaves words for `join`, or none when the answer is no address. */
const announceSteps = ({ url, port }: NonNullable<BootInit['announce']>): string => `announce=
if fetch ${shellWord(url)} address; then
  address=$(head -c 45 address)
  case "$address" in '' | *[!0-9.]*) say "no address that others see: $address" ;; *) announce="--announce /ip4/$address/tcp/${port}" ;; esac
fi
`;

/** The script, from after the kill timer to the end of the machine. */
function bootSteps({ ticket, bundleUrls, bundleSha256, spread, labels, announce, joinFlags, folder }: BootInit): string {
  const flags = [...Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]), ...joinFlags];
  return `umask 077
folder=${shellWord(folder)}
mkdir -p "$folder" && cd "$folder" || { poweroff; exit 1; }
folder=$PWD
exec >>"$folder/boot.log" 2>&1
say() { echo "$(date -u +%FT%TZ) $*"; }
# Ends the machine however this script ends: done, failed, or told to stop.
leave() { code=$?; trap - EXIT; say "the end, exit $code: power off"; sync; poweroff || shutdown -P now || systemctl poweroff --force; exit "$code"; }
trap leave EXIT
trap 'exit 143' TERM INT HUP
printf '%s\\n' ${shellWord(ticket)} >ticket

fetch() {
  if command -v curl >/dev/null; then curl --silent --show-error --fail --location --connect-timeout 10 --max-time ${FETCH_S_MAX} --continue-at - --output "$2" "$1"
  else wget --quiet --timeout=30 --continue --output-document="$2" "$1"; fi
}
wanted=${shellWord(bundleSha256)}
hasHash() { [ -f "$2" ] && echo "$1  $2" | sha256sum --check --status; }
size() { if [ -f bundle.tar.gz ]; then wc -c <bundle.tar.gz; else echo 0; fi; }
isFetched=no${spread === undefined ? '' : spreadSteps(spread)}
round=1
while [ "$isFetched" = no ] && [ "$round" -le ${FETCH_ROUNDS} ]; do
  for url in ${bundleUrls.map(shellWord).join(' ')}; do
    before=$(size)
    fetch "$url" bundle.tar.gz; code=$?
    if hasHash "$wanted" bundle.tar.gz; then isFetched=yes; break; fi
    say "round $round: no bundle from \${url%%\\?*} (code $code)"
    # A part is kept, and the next try goes on from there; what is complete and wrong, or grows no more, is not.
    if [ "$code" = 0 ] || [ "$(size)" = "$before" ]; then rm -f bundle.tar.gz; fi
  done
  [ "$isFetched" = yes ] || sleep ${FETCH_PAUSE_S}
  round=$((round + 1))
done
if [ "$isFetched" = no ]; then say 'no source had the bundle with the hash of this run'; exit 1; fi
say 'bundle fetched, hash as ordered'
tar -xzf bundle.tar.gz || { say 'the bundle cannot be unpacked'; exit 1; }
rm -f bundle.tar.gz
ulimit -n 1048576 2>/dev/null || ulimit -n "$(ulimit -H -n)"
${announce === undefined ? '' : announceSteps(announce)}say 'joining'
./runtime/node dist/quilt-swarm.mjs join @ticket --data "$folder/data" ${flags.map(shellWord).join(' ')}${announce === undefined ? '' : ' $announce'} &
node=$!
trap 'kill -TERM "$node"; wait "$node"; exit 143' TERM INT HUP
wait "$node"
exit "$?"
`;
}

/** For machines without cloud-init (local stand-ins, ssh): the same steps as one script. */
export const bootScript = (init: BootInit): string => `#!/bin/sh\n${killTimer(init.killAfterS)}\n${bootSteps(init)}`;

/**
 * `#cloud-config` user data. The kill timer is in `bootcmd`, which runs before networks and packages; the script is written and run by `runcmd`.
 * Problem: QUILT_USER_DATA_SIZE when it is larger than the vendor takes; QUILT_BOOT when a value makes no sense.
 */
export function renderUserData(init: BootInit, userDataBytesMax: number): Result<string> {
  const wrong = wrongValue(init);
  if (wrong !== null) return fail({ code: 'QUILT_BOOT', message: wrong });
  const scriptPath = `${init.folder}/boot.sh`;
  const config = {
    bootcmd: [['sh', '-c', killTimer(init.killAfterS)]],
    write_files: [{ path: scriptPath, owner: 'root:root', permissions: '0700', content: `#!/bin/sh\n${bootSteps(init)}` }],
    runcmd: [['sh', scriptPath]],
  };
  const text = `#cloud-config\n${JSON.stringify(config, null, 1)}\n`;
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes <= userDataBytesMax) return ok(text);
  const message = `user data of ${sizeBytes} bytes, and the vendor takes ${userDataBytesMax}`;
  return fail({ code: 'QUILT_USER_DATA_SIZE', message, hint: 'fewer labels, seeds in the ticket, or bundle URLs' });
}

function wrongValue({ bundleUrls, bundleSha256, spread, announce, killAfterS, folder }: BootInit): string | null {
  if (!Number.isSafeInteger(killAfterS) || killAfterS < 1) return `a kill timer of ${killAfterS} s`;
  const hashes = [bundleSha256, ...(spread === undefined ? [] : [spread.scriptSha256, spread.blocksSha256])];
  const noHash = hashes.find((hash) => !/^[0-9a-f]{64}$/.test(hash));
  if (noHash !== undefined) return `'${noHash}' is no SHA-256`;
  if (bundleUrls.length === 0) return 'no URL of the bundle';
  const strange = [...bundleUrls, ...(spread === undefined ? [] : [spread.url]), ...(announce === undefined ? [] : [announce.url])].find(
    (url) => !/^https?:\/\/\S+$/.test(url),
  );
  if (strange !== undefined) return `'${strange}' is no http(s) URL`;
  return folder.startsWith('/') ? null : `'${folder}' is no absolute path`;
}
