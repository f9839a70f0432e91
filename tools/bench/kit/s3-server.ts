// A process that is an S3 server on loopback (fauxqs, in memory) with one bucket, for benchmarks that must not count the server's cost. Prints its address, and ends with its
// standard input, so that it does not outlive the benchmark however that ends.

import { buildApp } from 'fauxqs';
import { out } from '../../../node/adapters/terminal.ts';

const app = buildApp({ logger: false });
const url = await app.listen({ host: '127.0.0.1', port: 0 });
const made = await fetch(`${url}/artifacts`, { method: 'PUT' });
if (!made.ok) throw new Error(`no bucket: ${made.status}`);
out(url);
process.stdin.resume();
process.stdin.on('end', () => app.close());
