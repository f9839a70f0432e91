// Asked once more before what cannot be taken back or costs money: a dialog with the command that will be run. It is there as long as it is rendered; Escape says no.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Command } from './parts.tsx';

export interface AskInit {
  readonly title: string;
  readonly yes: string;
  readonly no: string;
  readonly tone: 'danger solid' | 'primary';
  /** As far as the page knows it; null = there is none to show. */
  readonly command: string | null;
  readonly isPossible?: boolean;
  readonly onYes: () => void;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  /** Further ways, beside yes and no. */
  readonly more?: ComponentChildren;
}

export function Ask({ title, yes, no, tone, command, isPossible = true, onYes, onClose, children, more }: AskInit) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="ask-title" onClose={onClose}>
      <h2 id="ask-title">{title}</h2>
      {children}
      {command !== null && <Command command={command} />}
      <div class="buttons end">
        <button type="button" onClick={() => dialog.current?.close()}>
          {no}
        </button>
        {more}
        <button
          type="button"
          class={tone}
          disabled={!isPossible}
          onClick={() => {
            // Closed first: what had the focus before gets it back.
            dialog.current?.close();
            onYes();
          }}
        >
          {yes}
        </button>
      </div>
    </dialog>
  );
}
