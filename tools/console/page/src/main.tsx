// Entry of the page: the look before anything is drawn, then who is looking, then the line to the console.

import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import '../style.css';
import { ApiProblem, api } from './api.ts';
import { App } from './app.tsx';
import { after } from './browser.ts';
import { change } from './model.ts';
import { connect } from './socket.ts';
import { startTheme } from './theme.ts';

const RETRY_MS = 3000;

/** Asked until it is answered; who is not logged in is sent where one logs in. */
function askSession(): void {
  api.session().then(
    (session) => change({ session }),
    (error: unknown) => {
      if (error instanceof ApiProblem && error.status === 401) location.assign('/login');
      else after(RETRY_MS, askSession);
    },
  );
}

startTheme();
const place = document.getElementById('app');
if (place !== null) render(<App />, place);
askSession();
connect();
