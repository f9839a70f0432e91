// The vendor's library, and the only file that knows it: one client for each region. Endpoint and keys come from the environment that the cloud was given; where it names
// none, the library's own chain finds credentials (profile, single sign-on, instance role). The library's own retries are off, because calls.ts does
// them with the clock and the randomness of this program. It takes a third of a second and 140 MB to load, so it is loaded when a cloud is created.

import { fail, ok, type Result } from '../../../node/core/errors.ts';
import type { SendToEc2 } from './shapes.ts';

export interface SdkInit {
  readonly environment: (name: string) => string | undefined;
  readonly region: string;
}

/** A dead peer is noticed after this; EC2 answers RunInstances of a batch in seconds. */
const CONNECT_MS = 10_000;
const REQUEST_MS = 60_000;

/** Of the library, as far as it is used: a client of a region, and a class for each action. */
interface Library {
  readonly EC2Client: new (
    config: object,
  ) => { send(command: unknown): Promise<unknown>; readonly config: { credentials(): Promise<unknown> } };
  readonly commands: Readonly<Record<string, (new (input: unknown) => unknown) | undefined>>;
}

/** Problem: QUILT_AWS_LIBRARY. */
export async function loadLibrary(): Promise<Result<Library>> {
  try {
    const library = await import('@aws-sdk/client-ec2');
    return ok({ EC2Client: library.EC2Client, commands: library as unknown as Library['commands'] });
  } catch (error) {
    const message = `aws: the vendor's library does not load: ${(error as Error).message}`;
    return fail({ code: 'QUILT_AWS_LIBRARY', message, hint: 'install @aws-sdk/client-ec2 beside quilt-swarm' });
  }
}

export interface Client {
  readonly send: SendToEc2;
  /** Asks the chain; rejects when it finds none. */
  credentials(): Promise<unknown>;
}

export function openClient({ EC2Client, commands }: Library, { environment, region }: SdkInit): Client {
  const endpoint = environment('AWS_ENDPOINT_URL_EC2') ?? environment('AWS_ENDPOINT_URL');
  const accessKeyId = environment('AWS_ACCESS_KEY_ID');
  const secretAccessKey = environment('AWS_SECRET_ACCESS_KEY');
  const sessionToken = environment('AWS_SESSION_TOKEN');
  const keys =
    accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } };
  const client = new EC2Client({
    ...{ region, maxAttempts: 1, requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: REQUEST_MS } },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...keys,
  });
  const send = async (name: string, input: unknown): Promise<unknown> => {
    const Command = commands[`${name}Command`];
    if (Command === undefined) throw new Error(`the library has no ${name}Command`);
    return client.send(new Command(input));
  };
  return { send: send as SendToEc2, credentials: () => client.config.credentials() };
}
