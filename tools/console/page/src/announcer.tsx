// What a screen reader says by itself: another phase, the end with its verdict, and new events that are warnings or errors. Nothing that changes by the second: figures are read by who wants
// them. What comes thick is said together, some seconds apart, so that speech is not cut off by speech.

import { useEffect, useRef, useState } from 'preact/hooks';
import { after } from './browser.ts';
import { useModel } from './model.ts';
import { cut, shown } from './text.ts';

const APART_MS = 4000;
const SAID_MAX = 3;
const WORDS_MAX = 160;

/** Sentences of what waits, the rest as a number. */
export function sentenceOf(waiting: readonly string[]): string {
  const said = waiting.slice(0, SAID_MAX).map((text) => shown(cut(text, WORDS_MAX) ?? text));
  const more = waiting.length - said.length;
  return [...said, ...(more > 0 ? [`and ${more} more events`] : [])].join('. ');
}

export function Announcer() {
  const { live, events, report } = useModel();
  const [said, setSaid] = useState('');
  const waiting = useRef<string[]>([]);
  const isQuiet = useRef(false);
  const known = useRef<{ runId: string | null; phase: string; newestMs: number; verdict: string } | null>(null);
  const speak = (): void => {
    if (isQuiet.current || waiting.current.length === 0) return;
    setSaid(sentenceOf(waiting.current.splice(0)));
    isQuiet.current = true;
    after(APART_MS, () => {
      isQuiet.current = false;
      speak();
    });
  };
  useEffect(() => {
    if (live === null) return;
    const { runId, board } = live;
    const now = { runId, phase: board.phase, newestMs: events.at(-1)?.atMs ?? -Infinity, verdict: report?.verdict.verdict ?? '' };
    const old = known.current;
    known.current = now;
    // What was there when the page was opened is read, not heard.
    if (old === null || old.runId !== runId) return;
    if (old.phase !== now.phase) waiting.current.push(`The run is ${now.phase}`);
    // The first events that are known were there before, too.
    const isNews = old.newestMs !== -Infinity;
    for (const { atMs, level, text } of events) if (isNews && atMs > old.newestMs && level !== 'info') waiting.current.push(text);
    if (now.verdict !== '' && old.verdict === '') waiting.current.push(`The run has ended, verdict ${now.verdict}`);
    speak();
  }, [live, events, report]);
  return (
    <p class="hidden announcer" role="status" aria-label="News of the run">
      {said === '' ? null : said}
    </p>
  );
}
