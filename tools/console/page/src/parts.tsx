// Small parts that everything is built of: foreign text, cards, chips, bars, a command to copy, a problem, tabs. All text goes through Preact's text nodes.

import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { ApiProblem } from './api.ts';
import { after } from './browser.ts';
import { cut, pieces, shown } from './text.ts';

/** On demand; a browser is busy for long with more in one line. */
const WHOLE_MAX = 20_000;
const COMMAND_MAX = 2000;

const Pieces = ({ text }: { text: string }) => <>{pieces(text).flatMap((piece, at) => (at === 0 ? [piece] : [<wbr key={at} />, piece]))}</>;

/** Foreign text: control characters visible, cut at `max` with the whole on demand. */
export function Text({ text, max = 200 }: { text: string; max?: number }) {
  const [isWhole, setWhole] = useState(false);
  const short = cut(text, max);
  if (short === null) {
    return (
      <span class="foreign">
        <Pieces text={shown(text, max)} />
      </span>
    );
  }
  return (
    <span class="foreign">
      <Pieces text={isWhole ? shown(text, WHOLE_MAX) : shown(short, max)} />
      <button type="button" class="link" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
        {isWhole ? 'less' : `… ${text.length - short.length} more`}
      </button>
    </span>
  );
}

export function Card(props: { title: string; id?: string; class?: string; aside?: ComponentChildren; children: ComponentChildren }) {
  const id = props.id ?? props.title.toLowerCase().replace(/\W+/g, '-');
  return (
    <section class={`card ${props.class ?? ''}`} aria-labelledby={`${id}-title`} id={id}>
      <header class="card-head">
        <h2 id={`${id}-title`}>{props.title}</h2>
        {props.aside}
      </header>
      {props.children}
    </section>
  );
}

export type Tone = 'good' | 'warn' | 'bad' | 'calm' | 'accent';

export const Chip = ({ tone, children }: { tone: Tone; children: ComponentChildren }) => <span class={`chip ${tone}`}>{children}</span>;

/** `mark`: where it should be; both as shares of the whole. */
export function Bar({ share, mark, tone = 'accent', label }: { share: number; mark?: number; tone?: Tone; label: string }) {
  const percent = (value: number): string => `${Math.max(0, Math.min(1, value)) * 100}%`;
  return (
    <span class={`bar ${tone}`} role="img" aria-label={label}>
      <span class="bar-fill" style={{ width: percent(share) }} />
      {mark !== undefined && <span class="bar-mark" style={{ left: percent(mark) }} />}
    </span>
  );
}

/** What was done or would be done, as a line for a terminal. */
export function Command({ command }: { command: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = (): void => {
    navigator.clipboard.writeText(command).then(
      () => {
        setCopied(true);
        after(1500, () => setCopied(false));
      },
      () => setCopied(false),
    );
  };
  return (
    <span class="command">
      <code>{shown(command, COMMAND_MAX)}</code>
      <button type="button" class="small" onClick={copy} aria-label={`Copy the command ${shown(command)}`}>
        {isCopied ? 'Copied' : 'Copy'}
      </button>
    </span>
  );
}

export function Trouble({ error }: { error: unknown }) {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof ApiProblem ? error.hint : '';
  return (
    <p class="notice bad" role="alert">
      <Text text={message} />
      {hint !== '' && (
        <span class="dim">
          {' '}
          — <Text text={hint} />
        </span>
      )}
    </p>
  );
}

export interface Tab {
  readonly id: string;
  readonly name: string;
}

/** Tabs as the ARIA practices have them: one stop for Tab, arrows between them, Home and End. */
export function Tabs(props: { label: string; tabs: readonly Tab[]; chosen: string; onChoose: (id: string) => void }) {
  const { label, tabs, chosen, onChoose } = props;
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = tabs.findIndex(({ id }) => id === chosen);
    const last = tabs.length - 1;
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at <= 0 ? last : at - 1,
      Home: 0,
      End: last,
    };
    const to = steps[event.key];
    const tab = to === undefined ? undefined : tabs[to];
    if (tab === undefined) return;
    event.preventDefault();
    onChoose(tab.id);
    list.current?.querySelector<HTMLElement>(`#tab-${tab.id}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={onKeyDown}>
      {tabs.map(({ id, name }) => (
        <button
          type="button"
          role="tab"
          key={id}
          id={`tab-${id}`}
          aria-selected={id === chosen}
          aria-controls="page"
          tabIndex={id === chosen ? 0 : -1}
          onClick={() => onChoose(id)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
