// The vendor's library, and the only file that knows it: one client for each region. Endpoint and keys come from the environment that the cloud was given; where it names
// none, the library's own chain finds credentials (profile, single sign-on, instance role). The library's own retries are off, because calls.ts does
// them with the clock and the randomness of this program. It takes a third of a second and 140 MB to load, so it is loaded when a cloud is created.

import * as library from '@aws-sdk/client-ec2';
import { EC2Client, type EC2ClientConfig } from '@aws-sdk/client-ec2';
import type { SendToEc2 } from './shapes.ts';

export interface SdkInit {
  readonly environment: (name: string) => string | undefined;
  readonly region: string;
}

/** A dead peer is noticed after this; EC2 answers RunInstances of a batch in seconds. */
const CONNECT_MS = 10_000;
const REQUEST_MS = 60_000;

interface Sender {
  send(command: unknown): Promise<unknown>;
}
type CommandClass = new (input: unknown) => unknown;

export function openClient({ environment, region }: SdkInit): { send: SendToEc2; credentials: () => Promise<unknown> } {
  const endpoint = environment('AWS_ENDPOINT_URL_EC2') ?? environment('AWS_ENDPOINT_URL');
  const accessKeyId = environment('AWS_ACCESS_KEY_ID');
  const secretAccessKey = environment('AWS_SECRET_ACCESS_KEY');
  const sessionToken = environment('AWS_SESSION_TOKEN');
  const keys =
    accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } };
  const config: EC2ClientConfig = {
    ...{ region, maxAttempts: 1, requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: REQUEST_MS } },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...keys,
  };
  const client = new EC2Client(config);
  const commands = library as unknown as Readonly<Record<string, CommandClass | undefined>>;
  const sender: Sender = client as unknown as Sender;
  const send = async (name: string, input: unknown): Promise<unknown> => {
    const Command = commands[`${name}Command`];
    if (Command === undefined) throw new Error(`the library has no ${name}Command`);
    return sender.send(new Command(input));
  };
  return { send: send as SendToEc2, credentials: () => client.config.credentials() };
}
