// The frame of the page: name, tabs, the line to the console and the look; which tab is shown is in the address. A lost line is told at once, above everything, and what was known stays.

import { useEffect, useState } from 'preact/hooks';
import { Banner } from './banner.tsx';
import { Catapult } from './catapult.tsx';
import { isServedByNode } from './end-note.tsx';
import { type Line, type Model, useModel } from './model.ts';
import { type Tab, Tabs } from './parts.tsx';
import { goTo, useRoute } from './route.ts';
import { Runs } from './runs.tsx';
import { Scoreboard } from './scoreboard.tsx';
import { askSession } from './session.ts';
import { Share } from './share.tsx';
import { shown } from './text.ts';
import { setTheme, type Theme, themeNow } from './theme.ts';

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

/** How the line is, in two words; after the end it is nobody's fault that nothing comes. */
function lineOf(model: Model): { is: Line['is']; name: string } {
  const { line, live } = model;
  if (isServedByNode(model)) return { is: 'away', name: 'run over' };
  if (line.is === 'away' && (line.isOver || live === null)) return { is: 'away', name: line.isOver ? 'run over' : 'no run now' };
  return { is: line.is, name: lineNames[line.is] };
}

export function App() {
  const model = useModel();
  const { session, live, line } = model;
  const state = lineOf(model);
  const [first, ...rest] = useRoute();
  const hasCatapult = session !== null && (session.mode === 'catapult' || session.canStart);
  const tabs: Tab[] = [{ id: 'live', name: 'Scoreboard' }];
  if (hasCatapult) tabs.push({ id: 'catapult', name: 'Catapult' }, { id: 'runs', name: 'Runs' });
  const usual = hasCatapult && live === null ? 'catapult' : 'live';
  const chosen = tabs.find(({ id }) => id === first)?.id ?? usual;
  // Who may see what is not known yet: another part than was asked for would only flash by.
  const isUnknown = session === null && first !== undefined && first !== 'live';
  useEffect(() => {
    const phase = live === null ? '' : `${live.board.phase} · `;
    document.title = `${phase}quilt-swarm`;
  }, [live?.board.phase]);
  // Another tab begins at its top, wherever the button was that led there.
  useEffect(() => scrollTo(0, 0), [chosen]);
  useEffect(askSession, [live === null, live?.runId, line.is === 'lost']);
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
        <span class={`line ${state.is}`} role="status">
          {state.name}
        </span>
        {session?.canShare === true && <Share />}
        <ThemeSwitch />
      </header>
      <Banner {...model} />
      <main>
        <div id="page" class="page" role="tabpanel" aria-labelledby={`tab-${chosen}`} tabIndex={-1}>
          {chosen === 'live' && !isUnknown && <Scoreboard />}
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
