// A past run once more: with the words that it was started with, after a look at them and, on rented machines, at what they cost now; or into Catapult's form, to be changed first.

import { useEffect, useState } from 'preact/hooks';
import type { AgainView } from '../../protocol.ts';
import { api } from './api.ts';
import { Ask } from './ask.tsx';
import { CostTable, Refusals } from './cost-table.tsx';
import { Trouble } from './parts.tsx';
import { goTo } from './route.ts';
import { shown } from './text.ts';

/** Catapult with the form filled in as that run had it. */
export const openFilled = (path: string, id: string): void => goTo('catapult', ...path.split('/'), 'again', id);

interface AgainInit {
  readonly id: string;
  /** Gets what the person saw as its cost; null = it costs nothing. */
  readonly onStart: (agreedUsd: number | null) => void;
  readonly onClose: () => void;
}

export function Again({ id, onStart, onClose }: AgainInit) {
  const [view, setView] = useState<AgainView | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => void api.again(id).then(setView, setError), [id]);
  // Of a scenario of another folder there is no form here.
  const isOfHere = view?.problems.every(({ code }) => code !== 'QUILT_CONSOLE_PATH') === true;
  return (
    <Ask
      {...{ title: 'Run it again?', yes: view?.cost == null ? 'Start the run' : 'Launch', no: 'Not now', tone: 'primary' }}
      command={view === null ? null : `${view.command}${view.cost === null ? '' : ' --yes'}`}
      isPossible={view !== null && view.problems.length === 0}
      onYes={() => onStart(view?.cost?.totalUsd ?? null)}
      onClose={onClose}
      more={
        view !== null &&
        isOfHere && (
          <button type="button" onClick={() => openFilled(view.request.path, id)}>
            Open in Catapult
          </button>
        )
      }
    >
      <p class="dim">{shown(id)}</p>
      {view?.isChanged === true && <p class="notice warn">{shown(view.request.path)} is not what it was then: it runs as it is now.</p>}
      {view?.cost != null && <CostTable cost={view.cost} />}
      {view !== null && <Refusals problems={view.problems} />}
      {error !== null && <Trouble error={error} />}
    </Ask>
  );
}
