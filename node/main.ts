// argv -> command -> exit code. Each verb is one file in commands/, loaded only when it is the chosen one, so that start-up
// pays for nothing else. A verb's module exports `run(argv)`, which resolves to the exit code; this file owns the only
// process.exit of the node process, and turns an exception that nobody expected into exit code 1.

import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { err, flushed } from './adapters/terminal.ts';
import { EXIT } from './core/errors.ts';

interface Verb {
  about: string;
  load: () => Promise<{ run: (argv: readonly string[]) => Promise<number> }>;
}

const verbs: Readonly<Record<string, Verb>> = {
  run: { about: 'run a scenario with a local swarm', load: () => import('./commands/run.ts') },
  join: { about: 'join a swarm with a ticket, also while its load runs', load: () => import('./commands/join.ts') },
  seed: { about: 'make a swarm, print its ticket and serve as its first node', load: () => import('./commands/seed.ts') },
  status: { about: 'show what a swarm is doing', load: () => import('./commands/status.ts') },
  logs: { about: "show the last lines of any node's log", load: () => import('./commands/logs.ts') },
  stop: { about: 'drain and end a run', load: () => import('./commands/stop.ts') },
  scale: { about: 'run more or fewer endpoints from now on', load: () => import('./commands/scale.ts') },
  plan: { about: 'show what would run where, without running', load: () => import('./commands/plan.ts') },
  validate: { about: 'check scenario files, all problems at once', load: () => import('./commands/validate.ts') },
  new: { about: 'write a commented starter scenario', load: () => import('./commands/new.ts') },
  report: { about: "show a run's summary, made again from its windows", load: () => import('./commands/report.ts') },
  compare: { about: 'show what changed between two runs', load: () => import('./commands/compare.ts') },
  launch: { about: 'rent machines, run a scenario on them, and end them', load: () => import('./commands/launch.ts') },
  reap: { about: 'end the machines that launches left behind', load: () => import('./commands/reap.ts') },
  bundle: { about: 'pack the program for machines that have nothing yet', load: () => import('./commands/bundle.ts') },
  console: { about: 'the web page: watch a swarm, or pick, plan and run scenarios here', load: () => import('./commands/console.ts') },
  prices: { about: 'show what machines cost, and how old the prices are', load: () => import('./commands/prices.ts') },
  doctor: { about: 'list what this machine has, lacks, and what that costs', load: () => import('./commands/doctor.ts') },
};

/** Help, version and unknown verbs: commander prints, and its suggestion for a mistyped verb comes along. */
function explain(argv: readonly string[]): number {
  const program = new Command('quilt-swarm')
    .description(manifest.description)
    .version(manifest.version)
    .exitOverride()
    .showHelpAfterError('(see quilt-swarm --help)');
  for (const [verb, { about }] of Object.entries(verbs)) program.command(verb).description(about);
  try {
    program.parse(argv.length === 0 ? ['--help'] : [...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.pass : EXIT.badConfiguration;
    throw error;
  }
  return EXIT.pass;
}

async function main(argv: readonly string[]): Promise<number> {
  const verb = argv[0] !== undefined && Object.hasOwn(verbs, argv[0]) ? verbs[argv[0]] : undefined;
  if (verb === undefined) return explain(argv);
  return (await verb.load()).run(argv.slice(1));
}

let exitCode: number;
try {
  exitCode = await main(process.argv.slice(2));
} catch (error) {
  err(`quilt-swarm: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  exitCode = EXIT.internalFault;
}
await flushed();
process.exit(exitCode);
