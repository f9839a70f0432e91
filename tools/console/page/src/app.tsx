// The frame of the page: name, tabs, the line to the console and the look; which tab is shown is in the address. A lost line is told at once, above everything, and what was known stays.

import { useEffect, useState } from 'preact/hooks';
import { Catapult } from './catapult.tsx';
import { type Line, useModel } from './model.ts';
import { type Tab, Tabs, Text } from './parts.tsx';
import { goTo, useRoute } from './route.ts';
import { Runs } from './runs.tsx';
import { Scoreboard } from './scoreboard.tsx';
import { askSession } from './session.ts';
import { Share } from './share.tsx';
import { retryNow } from './socket.ts';
import { shown } from './text.ts';
import { setTheme, type Theme, themeNow } from './theme.ts';

function Banner({ line, isOver, hasRun }: { line: Line; isOver: boolean; hasRun: boolean }) {
  if (line.is === 'lost') {
    return (
      <div class="banner bad" role="alert">
        <span>
          The line to the console is lost. What is shown is the last that is known; it is tried again in{' '}
          {Math.max(1, Math.round(line.retryMs / 1000))} s.
        </span>
        <button type="button" onClick={retryNow}>
          Try now
        </button>
      </div>
    );
  }
  // In Catapult before the first run nobody is away: there is nobody yet.
  if (line.is === 'away' && !isOver && hasRun) {
    return (
      <div class="banner warn" role="alert">
        <span>
          The swarm does not answer: <Text text={line.message} max={160} />
        </span>
      </div>
    );
  }
  return null;
}

const themes: ReadonlyArray<readonly [Theme, string]> = [
  ['system', 'System'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

function ThemeSwitch() {
  const [theme, setShown] = useState(themeNow());
  return (
    <label class="choice theme">
      <span class="hidden">Look</span>
      <select
        value={theme}
        onChange={(event) => {
          const chosen = event.currentTarget.value as Theme;
          setTheme(chosen);
          setShown(chosen);
        }}
      >
        {themes.map(([id, name]) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

const lineNames: Readonly<Record<Line['is'], string>> = {
  connecting: 'connecting',
  open: 'live',
  away: 'swarm away',
  lost: 'disconnected',
};

export function App() {
  const { session, live, report, line } = useModel();
  const [first, ...rest] = useRoute();
  const hasCatapult = session !== null && (session.mode === 'catapult' || session.canStart);
  const tabs: Tab[] = [{ id: 'live', name: 'Scoreboard' }];
  if (hasCatapult) tabs.push({ id: 'catapult', name: 'Catapult' }, { id: 'runs', name: 'Runs' });
  const usual = hasCatapult && live === null ? 'catapult' : 'live';
  const chosen = tabs.find(({ id }) => id === first)?.id ?? usual;
  useEffect(() => {
    const phase = live === null ? '' : `${live.board.phase} · `;
    document.title = `${phase}quilt-swarm`;
  }, [live?.board.phase]);
  // Another tab begins at its top, wherever the button was that led there.
  useEffect(() => scrollTo(0, 0), [chosen]);
  useEffect(askSession, [live?.runId, line.is === 'lost']);
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('page')?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <h1>
          <span class="brand" aria-hidden="true" />
          quilt-swarm
        </h1>
        <nav aria-label="Parts of the console">
          <Tabs label="Parts of the console" tabs={tabs} chosen={chosen} onChoose={(id) => goTo(id)} />
        </nav>
        <span class={`line ${line.is}`} role="status">
          {line.is === 'away' && (live === null || report !== null) ? 'no run now' : lineNames[line.is]}
        </span>
        {session?.canShare === true && <Share />}
        <ThemeSwitch />
      </header>
      <Banner line={line} hasRun={live !== null || session?.mode === 'watch'} isOver={report !== null || live?.board.phase === 'sealed'} />
      <main>
        <div id="page" class="page" role="tabpanel" aria-labelledby={`tab-${chosen}`} tabIndex={-1}>
          {chosen === 'live' && <Scoreboard />}
          {chosen === 'catapult' && <Catapult path={rest} />}
          {chosen === 'runs' && <Runs path={rest} />}
        </div>
      </main>
      <footer class="bottom dim">
        {session !== null &&
          `version ${session.version} · ${session.swarmId === null ? 'no swarm' : `swarm ${shown(session.swarmId)}`} · ${session.canSteer ? 'may steer' : 'reads only'}`}
      </footer>
    </>
  );
}
