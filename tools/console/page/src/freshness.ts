// When a list of runs is worth asking for again: another run is watched, it began or ended, or the page is looked at again. A word that is another one then.

import { useEffect, useState } from 'preact/hooks';
import { useModel } from './model.ts';

export function useFreshness(): string {
  const { live, report } = useModel();
  const [looks, setLooks] = useState(0);
  useEffect(() => {
    const listener = (): void => {
      if (document.visibilityState === 'visible') setLooks((count) => count + 1);
    };
    document.addEventListener('visibilitychange', listener);
    return () => document.removeEventListener('visibilitychange', listener);
  }, []);
  return [live?.runId, live?.board.phase, report?.run.runId, report?.verdict.verdict, looks].join(' ');
}
