// Who is looking, asked at first, when another run begins (what may be done is another thing then) and when the line is lost (the log-in may be over). Asked until it is answered, once at a
// time; who is not logged in is sent where one logs in.

import { ApiProblem, api } from './api.ts';
import { after } from './browser.ts';
import { change } from './model.ts';

const RETRY_MS = 3000;

let isAsking = false;

export function askSession(): void {
  if (isAsking) return;
  isAsking = true;
  api.session().then(
    (session) => {
      isAsking = false;
      change({ session });
    },
    (error: unknown) => {
      if (error instanceof ApiProblem && error.status === 401) location.assign('/login');
      else
        after(RETRY_MS, () => {
          isAsking = false;
          askSession();
        });
    },
  );
}
