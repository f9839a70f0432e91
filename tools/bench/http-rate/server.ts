// The server of the http-rate benchmark: the least that node:http can be, in a process of its own. It counts what it answered, so that all
// generators are judged by the same counter and none by its own word.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const body = JSON.stringify({ hello: 'world', id: 17 });
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
let answered = 0;

const server = createServer((_request, response) => {
  answered++;
  response.writeHead(200, headers).end(body);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', () => process.send?.({ answered }));
process.on('disconnect', () => {
  server.closeAllConnections();
  server.close();
});
