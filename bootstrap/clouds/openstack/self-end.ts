// How a machine deletes itself: Nova only stops one that powers off, and goes on billing. After Nova has said the machine's id, an application credential is made that may do nothing but
// `DELETE .../servers/THAT_ID` and that expires with the run; it is handed over as the machine's own metadata, which can be written later than user data. A script in the user data uses it
// when the machine shuts down, or when its time is over. A provider that does not enforce access rules refuses the call; then launch's end or `reap` deletes the machine.
// docs.openstack.org/keystone: "Application Credentials", access rules.

import { createHash } from 'node:crypto';
import { type Instance, type LaunchOrder, MARKS, type Refusal } from '../../cloud.ts';
import type { Answer } from './identity.ts';
import type { Place } from './place.ts';

/** Of a machine's metadata: id and secret of its credential. */
const END_KEY = 'quilt-end';
/** The kill timer of cloud-init.ts pulls the plug, and nothing can be asked after that. It counts from some seconds after the boot, this one from the boot itself. */
const BEFORE_KILL_S = 15;

interface Credential {
  readonly id?: string;
  readonly secret?: string;
  readonly description?: string;
  readonly access_rules?: ReadonlyArray<{ readonly id?: string }>;
}

const textOf = (runId: string, region: string): string => `${MARKS.run}=${runId} region=${region}`;

/** Python is there where cloud-init is. Arguments: where metadata is (the test's, else the usual address). */
export const endScript = (authUrl: string, computeUrl: string): string => `#!/usr/bin/python3
import json, sys, urllib.request
def ask(url, method="GET", body=None, headers={}):
    data = None if body is None else json.dumps(body).encode()
    return urllib.request.urlopen(urllib.request.Request(url, data, {"content-type": "application/json", **headers}, method=method), timeout=20)
base = sys.argv[1] if len(sys.argv) > 1 else "http://169.254.169.254"
me = json.load(ask(base + "/openstack/latest/meta_data.json"))
id, secret = me["meta"][${JSON.stringify(END_KEY)}].split(" ")
identity = {"methods": ["application_credential"], "application_credential": {"id": id, "secret": secret}}
token = ask(${JSON.stringify(authUrl)} + "/auth/tokens", "POST", {"auth": {"identity": identity}}).headers["x-subject-token"]
ask(${JSON.stringify(computeUrl)} + "/servers/" + me["uuid"], "DELETE", None, {"x-auth-token": token})
`;

const setUp = (script: string, wallMsMax: number): string => `#!/bin/sh
umask 077
cat >/opt/quilt-end.py <<'QUILT_END'
${script}QUILT_END
cat >/etc/systemd/system/quilt-end.service <<'QUILT_END'
[Unit]
Description=deletes this machine at its shutdown
Wants=network-online.target
After=network-online.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/usr/bin/python3 /opt/quilt-end.py
TimeoutStopSec=60
QUILT_END
systemctl daemon-reload
systemctl start --no-block quilt-end.service
left=$((${Math.floor(wallMsMax / 1000) - BEFORE_KILL_S} - $(cut -d. -f1 /proc/uptime)))
[ "$left" -ge 1 ] || left=1
systemd-run --quiet --unit=quilt-end-timer --on-active="$left" /usr/bin/python3 /opt/quilt-end.py
`;

/** User data with the script before it, as cloud-init's multipart: shell parts run in the order of their names, before runcmd. Other forms of user data stay as they are. */
export function withSelfEnd(userData: string, script: string, wallMsMax: number): string {
  const type = userData.startsWith('#cloud-config') ? 'text/cloud-config' : userData.startsWith('#!') ? 'text/x-shellscript' : null;
  if (type === null) return userData;
  const boundary = `quilt-${createHash('sha256').update(userData).digest('hex').slice(0, 16)}`;
  const part = (contentType: string, text: string): string => {
    const isPlain = /^[\t\n\r -~]*$/.test(text);
    const encoding = isPlain ? '7bit' : 'base64';
    const head = `--${boundary}\nContent-Type: ${contentType}; charset="utf-8"\nContent-Transfer-Encoding: ${encoding}\nMIME-Version: 1.0\n\n`;
    return `${head}${isPlain ? text : Buffer.from(text).toString('base64')}\n`;
  };
  const parts = [part('text/x-shellscript', setUp(script, wallMsMax)), part(type, userData)];
  return `Content-Type: multipart/mixed; boundary="${boundary}"\nMIME-Version: 1.0\n\n${parts.join('')}--${boundary}--\n`;
}

/** As it is where no credential can be made: Rackspace's classic cloud, or one who is logged in by an application credential. */
export async function userDataFor(place: Place, { userData, wallMsMax }: LaunchOrder): Promise<Answer<string>> {
  const { login } = place.settings;
  if (!login.canDelegate) return { ok: true, value: userData };
  const compute = await place.api.endpoint('compute');
  return compute.ok ? { ok: true, value: withSelfEnd(userData, endScript(login.url, compute.value), wallMsMax) } : compute;
}

/** Lets each of these machines delete itself; those that can already are left. What it cannot do is said: such a machine is deleted from outside only. */
export async function letEndThemselves(
  place: Place,
  order: LaunchOrder,
  machines: readonly Instance[],
  signal: AbortSignal,
): Promise<readonly Refusal[]> {
  if (!place.settings.login.canDelegate || machines.length === 0) return [];
  const known = await credentialsOf(place);
  if (!known.ok) return [withHint(known.refusal)];
  const answers = await Promise.all(
    machines.map(async ({ id }) => {
      const answer = await letEnd(place, order, id, known.value, signal);
      if (answer.ok || answer.isUnclear !== true) return answer;
      // The secret of one that was made so is lost: another is made in its place.
      const now = await credentialsOf(place);
      return now.ok ? letEnd(place, order, id, now.value, signal) : now;
    }),
  );
  const first = answers.find((answer) => !answer.ok);
  return signal.aborted || first === undefined || first.ok ? [] : [withHint(first.refusal)];
}

const withHint = (refusal: Refusal): Refusal => ({
  ...refusal,
  hint: 'the machines run, but cannot delete themselves: one that powered itself off bills until launch ends or quilt-swarm reap deletes it',
});

interface Row extends Credential {
  readonly name?: string;
}

async function usersPath({ api }: Place): Promise<Answer<string>> {
  const session = await api.session();
  return session.ok ? { ok: true, value: `/users/${session.value.userId}` } : session;
}

async function credentialsOf(place: Place): Promise<Answer<readonly Row[]>> {
  const user = await usersPath(place);
  if (!user.ok) return user;
  const path = `${user.value}/application_credentials`;
  const rows = await place.api.call<{ readonly application_credentials?: readonly Row[] }>({
    ...{ service: 'identity', path, doing: 'list application credentials' },
  });
  return rows.ok ? { ok: true, value: rows.value.application_credentials ?? [] } : rows;
}

async function letEnd(
  place: Place,
  order: LaunchOrder,
  serverId: string,
  known: readonly Row[],
  signal: AbortSignal,
): Promise<Answer<unknown>> {
  const { api, region } = place;
  const user = await usersPath(place);
  const compute = await api.endpoint('compute');
  if (!user.ok) return user;
  if (!compute.ok) return compute;
  const name = `quilt-${serverId}`;
  const doing = `let machine ${serverId} delete itself`;
  const isWanted = (): boolean => !signal.aborted;
  const path = `/servers/${serverId}/metadata`;
  const there = known.find((row) => row.name === name);
  if (there !== undefined) {
    // Its secret is told once only. When the machine has it, it is the right one; else it was lost, and another is made.
    const metadata = await api.call<{ readonly metadata?: Readonly<Record<string, string>> }>({ service: 'compute', path, doing });
    if (!metadata.ok || metadata.value.metadata?.[END_KEY]?.startsWith(`${there.id} `) === true) return metadata;
    const removed = await removeCredential(place, there);
    if (removed !== null) return { ok: false, refusal: removed };
  }
  const rule = { service: 'compute', method: 'DELETE', path: `${new URL(compute.value).pathname}/servers/${serverId}` };
  const application_credential = {
    ...{ name, description: textOf(order.runId, region), unrestricted: false, access_rules: [rule] },
    expires_at: new Date(order.expiresWallMs).toISOString(),
  };
  const made = await api.call<{ readonly application_credential?: Credential }>({
    ...{
      service: 'identity',
      method: 'POST',
      path: `${user.value}/application_credentials`,
      body: { application_credential },
      doing,
      isWanted,
    },
  });
  if (!made.ok) return made;
  const { id, secret } = made.value.application_credential ?? {};
  const body = { metadata: { [END_KEY]: `${id} ${secret}` } };
  return api.call({ service: 'compute', method: 'POST', path, body, doing, isRepeatable: true });
}

/** Of the run in this region. */
export async function removeCredentials(place: Place, runId: string): Promise<readonly Refusal[]> {
  if (!place.settings.login.canDelegate) return [];
  const rows = await credentialsOf(place);
  if (!rows.ok) return [rows.refusal];
  const mine = rows.value.filter(({ description }) => description === textOf(runId, place.region));
  return (await Promise.all(mine.map((row) => removeCredential(place, row)))).filter((refusal) => refusal !== null);
}

/** With its rules, which Keystone keeps for their user; not before the credential, which holds them. A rule that is left by a death in between is worth nothing. */
async function removeCredential(place: Place, { id, access_rules = [] }: Row): Promise<Refusal | null> {
  const user = await usersPath(place);
  if (!user.ok) return user.refusal;
  const remove = async (path: string): Promise<Refusal | null> => {
    const done = await place.api.call({
      service: 'identity',
      method: 'DELETE',
      path: `${user.value}${path}`,
      doing: `take away ${path.slice(1)}`,
    });
    return done.ok || done.refusal.cause === 'not-found' ? null : done.refusal;
  };
  const refused = await remove(`/application_credentials/${id}`);
  if (refused !== null) return refused;
  for (const rule of access_rules) {
    const kept = await remove(`/access_rules/${rule.id}`);
    if (kept !== null) return kept;
  }
  return null;
}
