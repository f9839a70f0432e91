// What the websocket type measures, and its series resolved once a group. Times count from when a thing was due (P8): a connection from the
// life's start or the end of the reconnect wait, a message from its place in the send schedule.

import type { MetricDeclaration, Recorder } from '../../core/stats-types.ts';

export const websocketMetrics = [
  { name: 'ws_connecting', kind: 'trend', unit: 'ms', help: 'from when a connection was due until it was open' },
  { name: 'ws_sessions', kind: 'counter', unit: 'count', help: 'connections opened' },
  { name: 'ws_session_duration', kind: 'trend', unit: 'ms', help: 'how long connections were open' },
  { name: 'ws_msgs_sent', kind: 'counter', unit: 'count', help: 'messages sent' },
  { name: 'ws_msgs_skipped', kind: 'counter', unit: 'count', help: 'messages not sent: too late, or the target does not read' },
  { name: 'ws_msgs_received', kind: 'counter', unit: 'count', help: 'messages received' },
  { name: 'ws_rtt', kind: 'trend', unit: 'ms', help: 'from when an own message was due until its answer or echo' },
  { name: 'ws_rtt_answered', kind: 'rate', unit: 'percent', help: 'share of own messages that were answered in time' },
  { name: 'ws_delivery', kind: 'trend', unit: 'ms', help: "from when another endpoint's message was due until it arrived here" },
  {
    name: 'ws_delivery_ratio',
    kind: 'rate',
    unit: 'percent',
    help: 'share that arrived of the messages of each sender, by gaps in their numbers',
  },
  { name: 'ws_ping', kind: 'trend', unit: 'ms', help: 'from when a WebSocket ping was due until its pong' },
  { name: 'ws_errors', kind: 'counter', unit: 'count', help: 'connections and messages that went wrong', tags: ['cause'] },
  {
    name: 'ws_http_req_duration',
    kind: 'trend',
    unit: 'ms',
    help: 'calls before and after: from due to the end of the answer',
    tags: ['name'],
  },
  { name: 'data_sent', kind: 'counter', unit: 'bytes', help: 'application bytes sent' },
  { name: 'data_received', kind: 'counter', unit: 'bytes', help: 'application bytes received' },
] as const satisfies readonly MetricDeclaration[];

type Trend = ReturnType<Recorder['trend']>;
type Counter = ReturnType<Recorder['counter']>;
type Rate = ReturnType<Recorder['rate']>;

export interface WebsocketSeries {
  readonly connecting: Trend;
  readonly sessions: Counter;
  readonly sessionDuration: Trend;
  readonly sent: Counter;
  readonly skipped: Counter;
  readonly received: Counter;
  readonly rtt: Trend;
  readonly answered: Rate;
  readonly delivery: Trend;
  readonly deliveryRatio: Rate;
  readonly ping: Trend;
  readonly dataSent: Counter;
  readonly dataReceived: Counter;
  readonly error: (cause: string) => void;
}

export function createWebsocketSeries(recorder: Recorder): WebsocketSeries {
  const errors = new Map<string, Counter>();
  return {
    connecting: recorder.trend('ws_connecting'),
    sessions: recorder.counter('ws_sessions'),
    sessionDuration: recorder.trend('ws_session_duration'),
    sent: recorder.counter('ws_msgs_sent'),
    skipped: recorder.counter('ws_msgs_skipped'),
    received: recorder.counter('ws_msgs_received'),
    rtt: recorder.trend('ws_rtt'),
    answered: recorder.rate('ws_rtt_answered'),
    delivery: recorder.trend('ws_delivery'),
    deliveryRatio: recorder.rate('ws_delivery_ratio'),
    ping: recorder.trend('ws_ping'),
    dataSent: recorder.counter('data_sent'),
    dataReceived: recorder.counter('data_received'),
    error(cause) {
      let counter = errors.get(cause);
      if (counter === undefined) {
        counter = recorder.counter('ws_errors', { cause });
        errors.set(cause, counter);
      }
      counter.add(1);
    },
  };
}
