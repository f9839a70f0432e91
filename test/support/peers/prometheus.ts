// Prometheus from Debian's package: scrapes whatever addresses are named to it, takes remote write, and answers queries. On loopback, data in a folder of its own.

import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Daemon, startDaemon, whenReady } from './daemon.ts';
import { freePort } from './ports.ts';

export interface PrometheusSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus extends Daemon {
  readonly writeUrl: string;
  /** From now on these host:port are scraped, each second, as job `scraped`. */
  scrape(targets: readonly string[]): void;
  /** An instant query, now. */
  query(expression: string): Promise<PrometheusSeries[]>;
}

const CONFIGURATION = `global: { scrape_interval: 1s }
scrape_configs:
  - job_name: scraped
    file_sd_configs: [{ files: [targets.json], refresh_interval: 1s }]
`;

export async function startPrometheus(): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-prometheus-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const targetsFile = join(folder, 'targets.json');
  writeFileSync(join(folder, 'prometheus.yml'), CONFIGURATION);
  writeFileSync(targetsFile, '[]');
  const flags = ['--config.file=prometheus.yml', '--storage.tsdb.path=data', `--web.listen-address=127.0.0.1:${port}`];
  const daemon = startDaemon('prometheus', [...flags, '--web.enable-remote-write-receiver'], folder);
  await whenReady(daemon, () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return {
    ...daemon,
    writeUrl: `${url}/api/v1/write`,
    scrape(targets) {
      // Renamed into place: it reads files as they are being written.
      writeFileSync(`${targetsFile}.new`, JSON.stringify([{ targets }]));
      renameSync(`${targetsFile}.new`, targetsFile);
    },
    async query(expression) {
      const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const { data } = (await answer.json()) as { data: { result: { metric: Record<string, string>; value: [number, string] }[] } };
      return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
  };
}
