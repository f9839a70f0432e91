// Entry of the page: the look before anything is drawn, then the page, which asks who is looking, and the line to the console.

import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import '../style.css';
import { Announcer } from './announcer.tsx';
import { App } from './app.tsx';
import { keepScrollersInReach } from './scrollers.ts';
import { connect } from './socket.ts';
import { startTheme } from './theme.ts';

startTheme();
const place = document.getElementById('app');
if (place !== null) {
  render(
    <>
      <App />
      <Announcer />
    </>,
    place,
  );
  keepScrollersInReach(place);
}
connect();
