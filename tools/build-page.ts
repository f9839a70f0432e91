// Builds the console's page (tools/console/page) into a folder with Vite: `npm run build` does it beside the bundles, `quilt-swarm console` from its sources when there is no page yet. The built
// page loads nothing from anywhere else.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const configPath = fileURLToPath(new URL('./console/vite.config.ts', import.meta.url));

export async function buildPage(outFolder: string): Promise<void> {
  // Vite would take a relative folder as one beside the page.
  await build({ configFile: configPath, logLevel: 'warn', build: { outDir: resolve(outFolder), emptyOutDir: true } });
  if (!existsSync(join(outFolder, 'index.html'))) throw new Error(`the page was not built into ${outFolder}`);
}

if (import.meta.main) await buildPage(process.argv[2] ?? fileURLToPath(new URL('../dist/console', import.meta.url)));
