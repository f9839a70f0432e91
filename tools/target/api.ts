// The routes that are load: meetings, participants, login. Thin on purpose: validate, call the state, answer. Bodies are
// checked by fastify's JSON Schema (numbers are taken for strings, so that ${passcode} may stand unquoted in a scenario).
// The route table with examples is in README.md.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { begin } from './counters.ts';
import {
  addParticipant,
  createMeeting,
  findMeeting,
  listMeetings,
  loginTokenOf,
  type Meeting,
  type Refusal,
  userOfLoginToken,
} from './meetings.ts';
import { dismissParticipant, endMeeting, type Service } from './service.ts';
import { gateHook } from './traffic.ts';

const REFUSALS: Record<Refusal, { status: number; message: string }> = {
  unknown_meeting: { status: 404, message: 'there is no such meeting' },
  unknown_participant: { status: 404, message: 'there is no such participant in this meeting' },
  wrong_passcode: { status: 403, message: 'the passcode does not fit this meeting' },
  too_many_meetings: { status: 409, message: 'the limit of meetings is reached' },
  too_many_participants: { status: 409, message: 'the limit of participants is reached' },
};

const text = (minLength: number, maxLength: number) => ({ type: 'string', minLength, maxLength }) as const;
const object = (properties: object, required: string[]) => ({ type: 'object', properties, required }) as const;

const MEETING_BODY = object({ title: text(1, 200), passcode: text(1, 32) }, ['title']);
const PARTICIPANT_BODY = object({ name: text(1, 200), passcode: text(1, 32) }, ['name', 'passcode']);
const LOGIN_BODY = object({ user: text(1, 200), password: text(1, 200) }, ['user', 'password']);
const PAGE_QUERY = object(
  { offset: { type: 'integer', minimum: 0, default: 0 }, limit: { type: 'integer', minimum: 1, maximum: 200, default: 50 } },
  [],
);

/** Shorter passwords get 401, so that a scenario can also try a failing login. */
const PASSWORD_LENGTH_MIN = 4;

function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const { status, message } = REFUSALS[refusal];
  return reply.code(status).send({ error: refusal, message });
}

function summaryOf(service: Service, meeting: Meeting) {
  const connected = service.rooms.get(meeting.id)?.size ?? 0;
  return { id: meeting.id, title: meeting.title, participants: meeting.participants.size, connected };
}

/** Addresses are given as the client reached us, so that they also hold behind a forwarded port. */
function roomUrlOf(request: FastifyRequest, meetingId: string): string {
  return `ws://${request.host}/rooms/${meetingId}`;
}

function addMeetingRoutes(scope: FastifyInstance, service: Service): void {
  scope.post<{ Body: { title: string; passcode?: string } }>('/api/meetings', { schema: { body: MEETING_BODY } }, (request, reply) => {
    const created = createMeeting(service.meetings, service.options, request.body.title, request.body.passcode);
    if (!created.ok) return refuse(reply, created.refusal);
    begin(service.counters.meetings);
    const { id, title, passcode } = created.value;
    const joinUrl = `http://${request.host}/api/meetings/${id}/participants`;
    const sipUri = service.calls?.meetingUri(id, request.hostname);
    return reply.code(201).send({ id, title, passcode, joinUrl, roomUrl: roomUrlOf(request, id), sipUri });
  });

  scope.get<{ Querystring: { offset: number; limit: number } }>(
    '/api/meetings',
    { schema: { querystring: PAGE_QUERY } },
    (request, reply) => {
      const { offset, limit } = request.query;
      const total = service.meetings.byId.size;
      const meetings = listMeetings(service.meetings, offset, limit).map((meeting) => summaryOf(service, meeting));
      return reply.send({ meetings, total, offset, limit, nextOffset: offset + limit < total ? offset + limit : null });
    },
  );

  scope.get<{ Params: { id: string } }>('/api/meetings/:id', (request, reply) => {
    const found = findMeeting(service.meetings, request.params.id);
    return found.ok ? reply.send(summaryOf(service, found.value)) : refuse(reply, found.refusal);
  });

  scope.delete<{ Params: { id: string } }>('/api/meetings/:id', (request, reply) => {
    const ended = endMeeting(service, request.params.id);
    return ended.ok ? reply.code(204).send() : refuse(reply, ended.refusal);
  });
}

function addParticipantRoutes(scope: FastifyInstance, service: Service): void {
  scope.post<{ Params: { id: string }; Body: { name: string; passcode: string } }>(
    '/api/meetings/:id/participants',
    { schema: { body: PARTICIPANT_BODY } },
    (request, reply) => {
      const { name, passcode } = request.body;
      const added = addParticipant(service.meetings, service.options, request.params.id, name, passcode);
      if (!added.ok) return refuse(reply, added.refusal);
      begin(service.counters.participants);
      const { id: participantId, token } = added.value;
      return reply.code(201).send({ participantId, token, roomUrl: `${roomUrlOf(request, request.params.id)}?token=${token}` });
    },
  );

  scope.delete<{ Params: { id: string; participantId: string } }>('/api/meetings/:id/participants/:participantId', (request, reply) => {
    const removed = dismissParticipant(service, request.params.id, request.params.participantId);
    return removed.ok ? reply.code(204).send() : refuse(reply, removed.refusal);
  });
}

function addLoginRoutes(scope: FastifyInstance, service: Service): void {
  scope.post<{ Body: { user: string; password: string } }>('/api/login', { schema: { body: LOGIN_BODY } }, (request, reply) => {
    const { user, password } = request.body;
    if (password.length < PASSWORD_LENGTH_MIN)
      return reply.code(401).send({ error: 'wrong_password', message: 'the password does not fit' });
    return reply.send({ token: loginTokenOf(service.options.seed, user) });
  });

  scope.get('/api/me', (request, reply) => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const user = token === undefined ? undefined : userOfLoginToken(service.options.seed, token);
    if (user === undefined) return reply.code(401).send({ error: 'wrong_token', message: 'log in first and send the token as a Bearer' });
    return reply.send({ user });
  });
}

/** All load routes, behind the gate; unknown paths are load too and get 404 as `other`. */
export async function loadRoutes(scope: FastifyInstance, { service }: { service: Service }): Promise<void> {
  scope.addHook('onRequest', gateHook(service));
  scope.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not_found', message: 'there is no such route' }));
  addMeetingRoutes(scope, service);
  addParticipantRoutes(scope, service);
  addLoginRoutes(scope, service);
}
