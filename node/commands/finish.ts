// What every verb shares at its end: problems shown as a person wants to read them (all of them, each with file, line, key and what to do next) and
// the exit code of DESIGN 8. A verb never leaves the process itself: it sets the code, and main leaves with it when the verb's promise is done.

import { type Command, CommanderError, Help, InvalidArgumentError, type Option } from 'commander';
import { renderProblems } from '../../scenarios/problems.ts';
import { isColorForbidden } from '../adapters/environment.ts';
import { err, isTty } from '../adapters/terminal.ts';
import { EXIT, type ExitName, type Problem } from '../core/errors.ts';
import { type ListenAddress, parseListenAddress } from '../core/host-port.ts';

/** The process leaves with this code once its command is done. */
export function finish(exit: ExitName): void {
  process.exitCode = EXIT[exit];
}

/** Shows every problem at once; the command ends with `exit`. */
export function finishWithProblems(problems: readonly Problem[], exit: ExitName = 'badConfiguration'): void {
  err(renderProblems(problems, isTty() && !isColorForbidden()));
  finish(exit);
}

/** What is empty unless it is given needs no word for it. */
function optionDescription(option: Option): string {
  const { defaultValue: value } = option;
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return isEmpty ? option.description : new Help().optionDescription(option);
}

/** Parses and runs one verb. Commander prints its own complaints, with a suggestion for a mistyped flag. */
export async function runCommand(command: Command, argv: readonly string[]): Promise<number> {
  command.exitOverride().showHelpAfterError(`(see quilt-swarm ${command.name()} --help)`).configureHelp({ optionDescription });
  try {
    await command.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.pass : EXIT.badConfiguration;
  }
  return typeof process.exitCode === 'number' ? process.exitCode : EXIT.pass;
}

/** Argument parsers for commander's options. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(`a whole number from ${min} to ${max} is expected.`);
    return value;
  };
}

/** HOST:PORT, or a port on loopback. */
export function listenArgument(text: string): ListenAddress {
  const address = parseListenAddress(text);
  if (address !== null) return address;
  throw new InvalidArgumentError('PORT (on loopback) or HOST:PORT is expected; for all interfaces write 0.0.0.0:PORT.');
}

/** Collects repeated NAME=VALUE options into one record. */
export function nameValue(text: string, previous: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('NAME=VALUE is expected.');
  return { ...previous, [text.slice(0, at)]: text.slice(at + 1) };
}
