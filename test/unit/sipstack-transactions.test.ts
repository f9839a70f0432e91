// The four transaction machines and the calls above them, on a clock moved by hand, against transcripts (test/golden/sip): what is sent, told, counted and
// forgotten, and when.

import { callStories } from '../support/sipstack-call-stories.ts';
import { dialogStories } from '../support/sipstack-dialog-stories.ts';
import { itTells } from '../support/sipstack-golden.ts';
import { clientInvite, clientOther, serverInvite, serverOther } from '../support/sipstack-stories.ts';

itTells('client-invite', clientInvite);
itTells('client-other', clientOther);
itTells('server-invite', serverInvite);
itTells('server-other', serverOther);
for (const [file, stories] of Object.entries({ ...callStories, ...dialogStories })) itTells(file, stories);
