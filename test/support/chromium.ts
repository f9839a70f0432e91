// Debian's Chromium for tests: no sandbox, since they run as root, and no large /dev/shm, which containers have not.

import { type Browser, chromium } from 'playwright-core';
import { findExecutable } from '../../node/commands/doctor-parts.ts';

export const launchChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: findExecutable('chromium') ?? 'chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
