// The starter scenarios that `quilt-swarm new` writes: complete, commented, and true (a test parses each of them). They run as they are
// against the embedded target; everything that a user will want to change is near the top.

export const STARTER_TYPES = ['http', 'websocket', 'sip', 'exec'] as const;
export type StarterType = (typeof STARTER_TYPES)[number];

export const starterText = (name: string, type: StarterType): string => [head(name), bodies[type], tail(thresholds[type])].join('\n');

const head = (
  name: string,
): string => `# A quilt-swarm scenario. Check it with \`quilt-swarm validate\`, look at what it would do with \`quilt-swarm plan\`, run it with
# \`quilt-swarm run\`. To have something to run it against: \`node tools/target/main.ts --port 8080\`.
# Load is always the total of the swarm: 20 endpoints are 20, on one node or on a hundred.

name: ${name}
description: What this is for

# Values that change from run to run: quilt-swarm run FILE -e target=http://10.0.0.5:8080
variables:
  target:
    default: http://127.0.0.1:8080
    description: Where the service is

# Load goes to these and nowhere else. Used as \${targets.api}.
targets:
  api: \${vars.target}
`;

const meetings = (saved: string): string => `# Made before the load starts, removed after it. What is saved becomes \${meeting.NAME}.
meetings:
  count: 4
  provision:
    method: POST
    url: \${targets.api}/api/meetings
    json: { title: 'Meeting \${meeting.index}', passcode: '4711' }
    expect: 201
    save: { ${saved} }
  teardown:
    method: DELETE
    url: \${targets.api}/api/meetings/\${meeting.id}

`;

const bodies: Readonly<Record<StarterType, string>> = {
  http: `groups:
  visitors:
    type: http
    load:
      endpoints: 20            # how many at once: 100% below. Or rate: 5 (arrivals per second) together with stay: 30s
      shape:
        - { ramp: 100%, over: 10s }
        - { hold: 20s }
        # - { spike: 300%, over: 2s, for: 5s }
        # - { sawtooth: 100%, low: 20%, period: 10s, times: 3 }
        - { ramp: 0, over: 5s }
    behavior:                  # the journey of one visitor, again and again until it leaves
      baseUrl: \${targets.api}
      think: { uniform: [500ms, 2s] }
      requests:
        - name: log in
          method: POST
          url: /api/login
          json: { user: '\${endpoint.id}', password: secret }
          captures: { token: { json: $.token } }
        - name: own profile
          url: /api/me
          headers: { authorization: 'Bearer \${captured.token}' }
          checks:
            - { name: is me, json: $.user, equals: '\${endpoint.id}' }
`,
  websocket: `${meetings('id: $.id, passcode: $.passcode')}groups:
  talkers:
    type: websocket
    perMeeting: 5              # 4 meetings of 5 are 20 endpoints: 100% below
    load:
      shape:
        - { ramp: 100%, over: 10s }
        - { hold: 20s }
        - { ramp: 0, over: 5s }
    # stay: 10s                # leave after this long and
    # pause: 2s                # join again
    behavior:
      before:                  # HTTP calls before connecting
        - name: join meeting
          url: \${targets.api}/api/meetings/\${meeting.id}/participants
          json: { name: '\${endpoint.id}', passcode: '\${meeting.passcode}' }
          expect: 201
          captures: { roomUrl: $.roomUrl }
      url: \${captured.roomUrl}
      joinedWhen: { json: $.type, equals: welcome }
      send:
        rate: 1                # messages per second of each endpoint
        json: { type: message, id: '\${message.id}', sentAt: '\${message.sentAtMs}', body: hello }
      roundTrip:               # ws_rtt: until the own message comes back
        when: { json: $.type, equals: message }
        id: $.id
      delivery:                # ws_delivery: until the others' messages arrive
        when: { json: $.type, equals: message }
        id: $.id
        sentAt: $.sentAt
`,
  sip: `${meetings('id: $.id, passcode: $.passcode, uri: $.sipUri')}# The target takes calls with --sip-port 5060.
groups:
  callers:
    type: sip
    perMeeting: 5              # 4 meetings of 5 are 20 endpoints: 100% below
    load:
      shape:
        - { ramp: 100%, over: 10s }
        - { hold: 20s }
        - { ramp: 0, over: 5s }
    # stay: 1m                 # leave after this long and
    # pause: 5s                # call again
    behavior:
      server: sip:127.0.0.1:5060;transport=udp     # bridge, proxy or registrar; tcp and tls too
      call: \${meeting.uri}    # or sip:8000@HOST
      # auth: { user: alice, password: secret }
      # register: { expires: 10m }
      # pin: { digits: '\${meeting.passcode}#', after: 2s }   # keys pressed after the answer
      joinedWhen: media        # in with the first packet, not with the 200
      media:
        audio: audio-80k       # PCMU, 20 ms
        # video: video-150k
      do:
        - talk: 10s
        - mute: 5s
        # - hold: 5s           # re-INVITE, and back
      repeat: true
`,
  exec: `groups:
  callers:
    type: exec
    load:
      endpoints: 10            # how many at once: 100% below
      shape:
        - { ramp: 100%, over: 5s }
        - { hold: 20s }
        - { ramp: 0, over: 5s }
    behavior:                  # any program in any language: lines of JSON on its standard input and output
      endpointsPerProcess: 5
      targets: ['\${targets.api}']
      settings: { url: '\${targets.api}/api/meetings' }
      metrics:
        call_duration: { kind: trend, unit: ms, help: one call from start to end }
      command:
        - python3              # or [python3, ./caller.py]: files named ./like/this travel with the scenario
        - -c
        - |
          import json, os, select, sys, time, urllib.request

          def say(**message):
              print(json.dumps(message), flush=True)

          url, running, rest = '', set(), b''
          say(type='ready')
          while True:
              if select.select([0], [], [], 1)[0]:
                  chunk = os.read(0, 65536)
                  if not chunk:
                      sys.exit()                    # whoever started us is gone
                  *lines, rest = (rest + chunk).split(b'\\n')
                  for message in map(json.loads, lines):
                      if message['type'] == 'setup':
                          url = message['settings']['url']
                      elif message['type'] == 'start':
                          running.add(message['endpoint'])
                          say(type='joined', endpoint=message['endpoint'])
                      elif message['type'] == 'stop':
                          running.discard(message['endpoint'])
                          say(type='done', endpoint=message['endpoint'])
                      elif message['type'] == 'exit':
                          sys.exit()
              for endpoint in running:
                  began = time.monotonic()
                  try:
                      urllib.request.urlopen(url, timeout=5).read()
                      say(type='sample', metric='call_duration', value=(time.monotonic() - began) * 1000, endpoint=endpoint)
                  except OSError as error:
                      say(type='error', side='target', cause='call-failed', example=str(error), endpoint=endpoint)
`,
};

const thresholds: Readonly<Record<StarterType, readonly string[]>> = {
  http: [
    'http_req_failed: rate<0.01',
    "http_req_duration{group:visitors}: ['p(95)<500', 'max<5000']",
    'checks: { threshold: rate>0.99, abortOnFail: true, delayAbortEval: 10s }',
  ],
  websocket: ['ws_rtt: p(95)<500', 'ep_join_duration{group:talkers}: p(95)<2000'],
  sip: ['sip_call_failed: rate<0.01', 'sip_call_setup: p(95)<1000', 'sip_mos: p(5)>4.0'],
  exec: ['call_duration: p(95)<500', 'ep_failed: count==0'],
};

const tail = (lines: readonly string[]): string => `# What must be true for the run to pass: metric{tag:value}: aggregation operator number.
thresholds:
${lines.map((line) => `  ${line}`).join('\n')}

# What happens when machines fail: onNodeLoss reassign | {tolerate: 10%} | fail, onCoordinatorLoss terminate | reelect.
policies:
  onNodeLoss: reassign
  onCoordinatorLoss: terminate
`;
