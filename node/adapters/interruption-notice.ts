// Hears of it when a vendor takes a spot machine back, from the machine's own metadata service: the only homes of those two addresses. AWS (IMDSv2): `spot/instance-action` is not there
// until the action has a time, two minutes before. GCE: `instance/preempted` becomes TRUE thirty seconds before. A service that does not answer is no notice: the machine goes on,
// and is missed like any other when it dies. Sources: EC2 user guide "Spot Instance interruption notices", Compute Engine "Handle VM preemption".

export const NOTICE_VENDORS = ['aws', 'gce'] as const;
export type NoticeVendor = (typeof NOTICE_VENDORS)[number];

export interface Notice {
  readonly reason: string;
  /** From now; at least this is left by the vendor's word. */
  readonly leftMs: number;
}

export interface NoticeWatchInit {
  readonly vendor: NoticeVendor;
  readonly environment: (name: string) => string | undefined;
  readonly wallNowMs: () => number;
  /** Calls back once after about `ms`; the answer cancels it. */
  readonly after: (ms: number, callback: () => void) => () => void;
  /** Once. */
  readonly onNotice: (notice: Notice) => void;
}

const POLL_MS = 2_000;
const CALL_MS_MAX = 1_500;
const GCE_NOTICE_MS = 30_000;
const AWS_NOTICE_MS = 120_000;
const TOKEN_S = 21_600;

const call = (url: string, init: RequestInit): Promise<Response> =>
  fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(CALL_MS_MAX) });

type Ask = () => Promise<Notice | null>;

/** AWS_EC2_METADATA_SERVICE_ENDPOINT is where Amazon's own tools look. */
function askAws({ environment, wallNowMs }: NoticeWatchInit): Ask {
  const origin = environment('AWS_EC2_METADATA_SERVICE_ENDPOINT') ?? 'http://169.254.169.254';
  let token: string | null = null;
  return async () => {
    if (token === null) {
      const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_S) };
      const given = await call(`${origin}/latest/api/token`, { method: 'PUT', headers });
      if (!given.ok) return null;
      token = await given.text();
    }
    const answer = await call(`${origin}/latest/meta-data/spot/instance-action`, { headers: { 'x-aws-ec2-metadata-token': token } });
    if (answer.status === 401) token = null;
    if (!answer.ok) return null;
    const { action = 'terminate', time = '' } = (await answer.json()) as { action?: string; time?: string };
    const atMs = Date.parse(time);
    const leftMs = Number.isNaN(atMs) ? AWS_NOTICE_MS : Math.max(0, atMs - wallNowMs());
    return { reason: `AWS takes this spot machine back (${action})`, leftMs };
  };
}

/** GCE_METADATA_HOST is where Google's own tools look. */
function askGce({ environment }: NoticeWatchInit): Ask {
  const host = environment('GCE_METADATA_HOST') ?? 'metadata.google.internal';
  return async () => {
    const answer = await call(`http://${host}/computeMetadata/v1/instance/preempted`, { headers: { 'metadata-flavor': 'Google' } });
    if (!answer.ok || (await answer.text()).trim() !== 'TRUE') return null;
    return { reason: 'Google takes this spot machine back', leftMs: GCE_NOTICE_MS };
  };
}

/** Asks every two seconds until there is a notice; returns how to stop. */
export function watchNotices(init: NoticeWatchInit): () => void {
  const ask = { aws: askAws, gce: askGce }[init.vendor](init);
  let isStopped = false;
  let cancel = (): void => {};
  const look = (): void => {
    ask()
      // No metadata service, or a slow one: no notice.
      .catch(() => null)
      .then((notice) => {
        if (isStopped) return;
        if (notice !== null) return init.onNotice(notice);
        cancel = init.after(POLL_MS, look);
      });
  };
  look();
  return () => {
    isStopped = true;
    cancel();
  };
}
