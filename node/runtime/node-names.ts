// Names of nodes for people: what --label name=... said, else the end of the id, which is where PeerIds differ. And the core's reports as sentences.

import type { Report } from '../core/events.ts';
import type { NodeId } from '../core/messages.ts';
import type { NodeState } from '../core/state.ts';

export interface EventNote {
  readonly atSwarmMs: number;
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
}

const ID_TAIL_LENGTH = 6;

export function nodeName(state: NodeState, node: NodeId): string {
  const name = state.facts.hellos.get(node)?.body.capabilities.labels.name;
  return name ?? node.slice(-ID_TAIL_LENGTH);
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** What the core reports, as a line of the event list. */
export function noteOf(report: Report, name: (node: NodeId) => string): Pick<EventNote, 'level' | 'text'> {
  switch (report.event) {
    case 'became-coordinator':
      return { level: 'info', text: `this node became coordinator in term ${report.term}` };
    case 'lost-coordination':
      return { level: 'warning', text: `this node is no longer coordinator of term ${report.term}: ${report.reason}` };
    case 'coordinator':
      return { level: 'info', text: `${name(report.node)} is coordinator (term ${report.term})` };
    case 'coordinator-silent':
      return { level: 'warning', text: `the coordinator ${name(report.node)} has been silent for ${seconds(report.silentMs)}` };
    case 'joined':
      return { level: 'info', text: `${name(report.node)} joined` };
    case 'down':
      return { level: 'warning', text: `${name(report.node)} is lost: silent for ${seconds(report.silentMs)}` };
    case 'left':
      return { level: 'warning', text: `${name(report.node)} leaves and gives ${plural(report.claims, 'shard')} back: ${report.reason}` };
    case 'moved':
      return { level: 'info', text: `${plural(report.shards, 'shard')} moved from ${name(report.from)} to ${name(report.to)}` };
    case 'phase': {
      const why = report.message === '' ? (report.reason ?? '') : report.message;
      return { level: 'info', text: `${report.phase}${why === '' ? '' : `: ${why}`}` };
    }
    case 'lapsed':
      return { level: 'warning', text: `lease lapsed: this node stopped ${plural(report.claims, 'claim')}` };
    case 'refused':
      return { level: 'warning', text: `refused ${report.count} x ${report.what}` };
    case 'clock-jumped':
      return {
        level: 'warning',
        text: `the wall clock of this machine was set ${report.byMs > 0 ? 'forward' : 'back'} by ${seconds(Math.abs(report.byMs))}`,
      };
    case 'order':
      return { level: 'info', text: `order: ${report.order} ${report.text}` };
    case 'problem':
      return { level: 'error', text: report.message };
  }
}
