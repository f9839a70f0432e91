// Names of nodes for people: what --label name=... said, else the end of the id, which is where PeerIds differ. And the core's reports as sentences.

import type { Report } from '../core/events.ts';
import type { NodeId } from '../core/messages.ts';
import { ALL_KEYS, type Note, type SpanMark } from '../core/notes.ts';
import type { NodeState } from '../core/state.ts';

export interface EventNote extends Note {
  readonly atSwarmMs: number;
  /** Counts this node's notes, from 1. */
  readonly number: number;
}

const ID_TAIL_LENGTH = 6;

export function nodeName(state: NodeState, node: NodeId): string {
  const name = state.facts.hellos.get(node)?.body.capabilities.labels.name;
  return name ?? node.slice(-ID_TAIL_LENGTH);
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** One at a time: whoever is silent, the next coordinator ends it. */
const election = (is: SpanMark['is'], agoMs = 0): SpanMark[] => [{ kind: 'election', key: 'coordinator', is, agoMs }];

/** A loss lasts from the node's last word until its shards are claimed by others; where it had none, until it was counted out. */
const lossOf = ({ node, silentMs, shards }: Extract<Report, { event: 'down' }>): SpanMark[] => [
  { kind: 'loss', key: node, is: shards === 0 ? 'whole' : 'begin', agoMs: silentMs },
];

function scaledNote({ group, factor, fromMs, agoMs }: Extract<Report, { event: 'scaled' }>): Note {
  const what = group === ALL_KEYS ? 'the load' : group;
  const text = factor === 0 ? `${what} is paused` : factor === 1 ? `${what} as planned again` : `${what} is scaled x${factor}`;
  const spans: SpanMark[] = [{ kind: 'scale', key: group, is: factor === 1 ? 'end' : 'begin', agoMs }];
  return { kind: 'scale', level: 'info', text: `order: ${text} from ${Math.round(fromMs / 1000)} s`, spans };
}

function movedNote(report: Extract<Report, { event: 'moved' | 'moved-more' }>, name: (node: NodeId) => string): Note {
  const key = String(report.handover);
  const shards = plural(report.shards, 'shard');
  if (report.event === 'moved-more') {
    const text = `${shards} more moved between ${plural(report.pairs, 'pair')} of nodes`;
    return { kind: 'move', level: 'info', text, spans: [{ kind: 'move', key, is: 'goes-on' }] };
  }
  const spans: SpanMark[] = [{ kind: 'move', key, is: report.isFirst ? 'begin' : 'goes-on' }];
  return { kind: 'move', level: 'info', text: `${shards} moved from ${name(report.from)} to ${name(report.to)}`, spans };
}

/** Without how long it took: each node sees it a little later, and it is the band's length. */
function takenOverNote(report: Extract<Report, { event: 'taken-over' }>, name: (node: NodeId) => string): Note {
  const { handover, shards, lost } = report;
  const spans: SpanMark[] = [
    { kind: 'move', key: String(handover), is: 'end' },
    ...lost.map((node): SpanMark => ({ kind: 'loss', key: node, is: 'end' })),
  ];
  const whose = lost.length === 0 ? '' : ` of ${lost.map(name).join(', ')}`;
  return { kind: 'move', level: 'info', text: `${plural(shards, 'shard')}${whose} ${shards === 1 ? 'is' : 'are'} taken over`, spans };
}

/** What the core reports, as a line of the event list. */
export function noteOf(report: Report, name: (node: NodeId) => string): Note {
  switch (report.event) {
    case 'became-coordinator':
      return {
        ...{ kind: 'election', level: 'info', text: `this node became coordinator in term ${report.term}` },
        spans: election('goes-on'),
      };
    case 'lost-coordination': {
      const text = `this node is no longer coordinator of term ${report.term}: ${report.reason}`;
      return { kind: 'election', level: 'warning', text, spans: election('goes-on') };
    }
    case 'coordinator':
      return {
        ...{ kind: 'election', level: 'info', text: `${name(report.node)} is coordinator (term ${report.term})` },
        spans: election('end'),
      };
    case 'coordinator-silent': {
      const text = `the coordinator ${name(report.node)} has been silent for ${seconds(report.silentMs)}`;
      return { kind: 'election', level: 'warning', text, spans: election('goes-on', report.silentMs) };
    }
    case 'coordinator-heard':
      return { kind: 'election', level: 'info', text: `the coordinator ${name(report.node)} is heard again`, spans: election('end') };
    case 'joined':
      return { kind: 'join', level: 'info', text: `${name(report.node)} joined` };
    case 'down':
      return {
        ...{ kind: 'loss', level: 'warning', text: `${name(report.node)} is lost: silent for ${seconds(report.silentMs)}` },
        spans: lossOf(report),
      };
    case 'back':
      return {
        ...{ kind: 'loss', level: 'info', text: `${name(report.node)} is a member again` },
        spans: [{ kind: 'loss', key: report.node, is: 'end' }],
      };
    case 'left': {
      const text = `${name(report.node)} leaves and gives ${plural(report.claims, 'shard')} back: ${report.reason}`;
      return { kind: 'leave', level: 'warning', text };
    }
    case 'moved':
    case 'moved-more':
      return movedNote(report, name);
    case 'taken-over':
      return takenOverNote(report, name);
    case 'phase': {
      const why = report.message === '' ? (report.reason ?? '') : report.message;
      return { kind: 'phase', level: 'info', text: `${report.phase}${why === '' ? '' : `: ${why}`}` };
    }
    case 'lapsed':
      return { kind: 'trouble', level: 'warning', text: `lease lapsed: this node stopped ${plural(report.claims, 'claim')}` };
    case 'refused':
      return { kind: 'trouble', level: 'warning', text: `refused ${report.count} x ${report.what}` };
    case 'clock-jumped': {
      const way = report.byMs > 0 ? 'forward' : 'back';
      const text = `the wall clock of this machine was set ${way} by ${seconds(Math.abs(report.byMs))}`;
      return { kind: 'trouble', level: 'warning', text };
    }
    case 'scaled':
      return scaledNote(report);
    case 'fault-ordered':
      return { kind: 'fault', level: 'warning', text: `order: fault ${report.text}` };
    case 'problem':
      return { kind: 'trouble', level: 'error', text: report.message };
  }
}
