#!/usr/bin/env node
// The bin entry, in plain JavaScript that Node 18 parses, because it runs before anything is known about the runtime.
// On Node 24 or newer it imports the program into this very process. On an older Node it runs the pinned runtime (the npm
// package `node`) as a child with the same stdio and arguments, passes signals on to it and ends as it ended.
// The program is the bundle dist/quilt-swarm.mjs while that is no older than every source file, else node/main.ts: an
// edited tree never runs yesterday's bundle, and an installed package (no sources newer) starts in a tenth of the time.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const runtimeMajorMin = 24;
const selfPath = fileURLToPath(import.meta.url);
const rootPath = dirname(dirname(selfPath));
const bundlePath = join(rootPath, 'dist', 'quilt-swarm.mjs');
const sourcePath = join(rootPath, 'node', 'main.ts');
const sources = ['package.json', 'node', 'bootstrap', 'scenarios', 'tools'];
/** Tells the child that it is one; a child that is still too old gives up instead of starting a grandchild. */
const launchedVariable = 'QUILT_LAUNCHED';

/** Modification time of the newest source below `path`; folders count, so that a removed file is noticed too. */
function newestSourceMs(path) {
  if (!existsSync(path)) return 0;
  const status = statSync(path);
  let newestMs = status.mtimeMs;
  if (!status.isDirectory()) return newestMs;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) newestMs = Math.max(newestMs, newestSourceMs(join(path, entry.name)));
    else if (entry.name.endsWith('.ts')) newestMs = Math.max(newestMs, statSync(join(path, entry.name)).mtimeMs);
  }
  return newestMs;
}

function isBundleCurrent() {
  if (!existsSync(bundlePath)) return false;
  if (!existsSync(sourcePath)) return true;
  // Node does not strip types below node_modules, so there an installed package has nothing but its bundle.
  if (rootPath.split(/[\\/]/).includes('node_modules')) return true;
  const bundleMs = statSync(bundlePath).mtimeMs;
  return sources.every((source) => newestSourceMs(join(rootPath, source)) <= bundleMs);
}

/** Path of the pinned runtime's executable, or undefined when it is not installed. */
function findRuntime() {
  const executable = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
  const platformPackage = `${prefix}-${platform}-${process.arch}`;
  // npm installs the platform package inside `node`, other package managers beside it; either may be the one that is whole.
  const searchFrom = [selfPath];
  for (const name of ['node', platformPackage]) {
    for (const from of [...searchFrom]) {
      try {
        const manifestPath = createRequire(from).resolve(`${name}/package.json`);
        searchFrom.push(manifestPath);
        const found = join(dirname(manifestPath), executable);
        if (existsSync(found) && statSync(found).size > 1_000_000) return found;
      } catch {
        // Not installed there: the next place may have it.
      }
    }
  }
  return undefined;
}

/** Whether this process group owns the terminal: Ctrl-C then reaches the child from the terminal itself. */
function isForeground() {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[2] === fields[5];
  } catch {
    return process.stdin.isTTY === true;
  }
}

function runOn(runtimePath) {
  const child = spawn(runtimePath, [selfPath, ...process.argv.slice(2)], {
    // The fourth channel carries nothing: its closing tells the child that this process is gone, even by kill -9.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [launchedVariable]: String(process.pid) },
  });
  const passOn = (signal) => {
    // Ctrl-C twice means "stop now": a second, forwarded SIGINT would turn every first Ctrl-C into that.
    if (signal === 'SIGINT' && isForeground()) return;
    child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, passOn);
  child.on('error', (error) => giveUp(`cannot start its runtime ${runtimePath}: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const each of signals) process.removeListener(each, passOn);
    process.kill(process.pid, signal);
    // A signal that is ignored here (a parent may have said so) must not leave this process waiting.
    setTimeout(() => process.exit(1), 1000);
  });
}

function giveUp(message) {
  process.stderr.write(`quilt-swarm: ${message}\n`);
  process.exit(1);
}

const launchedBy = process.env[launchedVariable];
delete process.env[launchedVariable];
if (launchedBy !== undefined && process.channel) {
  process.channel.unref();
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}

const useBundle = isBundleCurrent();
const major = Number.parseInt(process.versions.node, 10);
if (major >= runtimeMajorMin && (useBundle || process.features.typescript)) {
  await import(pathToFileURL(useBundle ? bundlePath : sourcePath).href);
} else {
  const runtimePath = launchedBy === undefined ? findRuntime() : undefined;
  if (runtimePath === undefined) {
    giveUp(
      `needs Node ${runtimeMajorMin} or newer (this is ${process.version}), and its pinned runtime is not installed: run npm ci in ${rootPath}`,
    );
  } else {
    runOn(runtimePath);
  }
}
