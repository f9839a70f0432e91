// Events and effects in words, for transcripts: one line a step, short enough to read thirty of them.

import type { Effects, NodeEvent, Report, Start } from '../../node/core/events.ts';
import type { Claim, Entry, Gossip, Message } from '../../node/core/messages.ts';

const claimText = (claim: Claim): string => `${claim.shard}.${claim.epoch}`;

/** At most six of many. */
function claimsText(claims: readonly Claim[]): string {
  const shown = claims.slice(0, 6).map(claimText).join(' ');
  return claims.length > 6 ? `${shown} +${claims.length - 6}` : shown;
}

function bodyText(entry: Entry): string {
  switch (entry.kind) {
    case 'vote':
      return ` t${entry.body.term} for ${entry.body.candidate}`;
    case 'lead':
      return ` t${entry.body.term}`;
    case 'roster':
      return ` t${entry.body.term} +${entry.body.add.map((member) => member.node).join(',')} movable from ${Math.round(entry.body.movableFromMs)}`;
    case 'down':
      return ` t${entry.body.term} ${entry.body.node}`;
    case 'claim':
      return ` by ${entry.body.decision.author}#${entry.body.decision.seq}: ${claimsText(entry.body.claims)}`;
    case 'release':
      return ` ${claimsText(entry.body.claims)} (${entry.body.reason})`;
    case 'ready':
      return ` by ${entry.body.decision.author}#${entry.body.decision.seq}${entry.body.problem === null ? '' : ` PROBLEM ${entry.body.problem.message}`}`;
    case 'done':
      return ` windows ${entry.body.windowLast}`;
    case 'phase':
      return ` t${entry.body.term} ${entry.body.phase} ${entry.body.reason ?? ''} ${entry.body.exit ?? ''}`;
    default:
      return '';
  }
}

const entryText = (entry: Entry): string => `${entry.author}#${entry.seq}:${entry.kind}${bodyText(entry)}`;

function entriesText(entries: readonly Entry[]): string {
  const shown = entries.slice(0, 3).map(entryText).join('; ');
  return entries.length > 3 ? `${shown}; +${entries.length - 3}` : shown;
}

function messageText(message: Message | Gossip): string {
  switch (message.type) {
    case 'entries':
      return `entries[${entriesText(message.entries)}]`;
    case 'beat':
      return `beat t${message.term} b${message.beat}`;
    case 'canvass':
      return `${message.pre ? 'pre-' : ''}canvass t${message.term}`;
    case 'ballot':
      return `${message.pre ? 'pre-' : ''}ballot t${message.term} ${message.granted ? 'yes' : 'no'}`;
    case 'pulse':
      return `pulse t${message.term} b${message.beat} windows[${message.windows.map((window) => window.number).join(',')}]`;
    case 'pulse-ack':
      return `pulse-ack t${message.term} b${message.beat} windows<=${message.windowsUpTo}`;
    case 'custody':
      return `custody ${message.node}[${message.windows.map((window) => window.number).join(',')}]`;
    default:
      return message.type;
  }
}

export function describeEvent(event: NodeEvent): string {
  switch (event.type) {
    case 'gossip':
      return `gossip from ${event.from}: ${messageText(event.gossip)}`;
    case 'message':
      return `from ${event.from}: ${messageText(event.message)}`;
    case 'peer-up':
    case 'peer-down':
      return `${event.type} ${event.peer}`;
    case 'load-stopped':
      return `load-stopped ${claimsText(event.claims)}${event.finished ? ' finished' : ''}`;
    case 'prepared':
      return `prepared ${claimsText(event.claims)} ${event.problem ?? ''}`;
    case 'window-closed':
      return `window-closed ${event.window.number}`;
    case 'order':
      return `order ${event.order.order.order}`;
    case 'judged':
      return `judged ${event.exit}`;
    case 'meetings-provisioned':
    case 'provision-failed':
    case 'torn-down':
      return `${event.type} ${claimText(event.claim)}`;
    default:
      return event.type;
  }
}

function startText(start: Start): string {
  switch (start.what) {
    case 'prepare':
      return `prepare ${claimsText(start.claims)}`;
    case 'provision':
    case 'teardown':
      return `${start.what} ${claimText(start.claim)}`;
    case 'load':
      return `load ${claimText(start.claim)} from ${Math.round(start.fromMs)}`;
    case 'grant':
      return `grant ${Math.round(start.untilMs)}`;
    case 'collect':
      return `collect t${start.term}`;
    case 'judge':
      return `judge ${start.reason} missing[${start.missing.map((gap) => `${gap.node}:${gap.from}-${gap.to ?? ''}`).join(' ')}]`;
    default:
      return start.what;
  }
}

function reportText(report: Report): string {
  const { event, ...facts } = report;
  return `${event}${JSON.stringify(facts)}`;
}

const listed = (name: string, items: readonly string[]): string[] =>
  items.length === 0 ? [] : [`${name} ${items.slice(0, 4).join('; ')}${items.length > 4 ? `; +${items.length - 4}` : ''}`];

export function describeEffects(effects: Effects): string {
  const parts = [
    ...listed('persist', effects.persist.map(entryText)),
    ...listed('keep', effects.keep.map(entryText)),
    ...listed(
      'store',
      effects.store.map((store) => `${store.node}[${store.windows.map((window) => window.number).join(',')}]`),
    ),
    ...listed('publish', effects.publish.map(messageText)),
    ...listed(
      'send',
      effects.send.map((send) => `${send.to}: ${messageText(send.message)}`),
    ),
    ...listed(
      'sendWindows',
      effects.sendWindows.map(
        (send) => `${send.to}: ${send.node} ${send.first}-${send.last} ${send.as === 'custody' ? 'custody' : 'pulse'}`,
      ),
    ),
    ...listed('start', effects.start.map(startText)),
    ...listed(
      'stop',
      effects.stop.map((stop) => `load ${claimsText(stop.claims)} (${stop.reason})`),
    ),
    ...listed('report', effects.report.map(reportText)),
  ];
  if (effects.exit !== null) parts.push(`EXIT ${effects.exit.exit} (${effects.exit.message})`);
  return parts.join(' | ');
}
