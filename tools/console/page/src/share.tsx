// A link for a colleague, which only reads: made when it is asked for, shown once, with the command that prints such a link too.

import { useState } from 'preact/hooks';
import type { ShareView } from '../../protocol.ts';
import { api } from './api.ts';
import { Ask } from './ask.tsx';
import { after } from './browser.ts';
import { Trouble } from './parts.tsx';

export function Share() {
  const [made, setMade] = useState<ShareView | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isOpen, setOpen] = useState(false);
  const open = (): void => {
    setMade(null);
    setError(null);
    setOpen(true);
    api.share().then(setMade, setError);
  };
  return (
    <>
      <button type="button" class="share" aria-label="Share, read only" title="A link that only reads" onClick={open}>
        Share
      </button>
      {isOpen && (
        <Ask
          {...{ title: 'A link that only reads', yes: 'Copy the link', no: 'Close', tone: 'primary', command: made?.command ?? null }}
          isPossible={made !== null}
          onYes={() => made !== null && void navigator.clipboard.writeText(made.link)}
          onClose={() => setOpen(false)}
        >
          <p>Whoever has it sees runs, plans and reports, and can change nothing. It is good for a week, as often as it is used.</p>
          {error !== null && <Trouble error={error} />}
          {made !== null && <LinkField link={made.link} />}
          <p class="dim">In a terminal:</p>
        </Ask>
      )}
    </>
  );
}

/** To be copied by hand where the browser forbids the page to do it. */
function LinkField({ link }: { link: string }) {
  return (
    <p>
      <input
        type="text"
        class="link-field"
        readOnly
        value={link}
        aria-label="The link"
        onFocus={(event) => event.currentTarget.select()}
        ref={(field) => {
          // The dialog opens in the same turn and takes the focus.
          if (field !== null) after(0, () => field.focus());
        }}
      />
    </p>
  );
}
