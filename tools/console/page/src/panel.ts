// A panel that somebody opened: the focus goes to it, so that it is read and in sight, Escape closes it, and the focus goes back to where it was. What Escape closes first, a dialog or a
// list of words, stays first.

import { useEffect, useRef } from 'preact/hooks';

/** `id`: of the panel's element. `of`: what it is about; another one is a panel newly opened. */
export function usePanel(id: string, of: string, onClose: () => void): void {
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const before = document.activeElement;
    const panel = document.getElementById(id);
    if (panel !== null) {
      panel.tabIndex = -1;
      panel.focus({ preventScroll: true });
      panel.scrollIntoView({ block: 'nearest' });
    }
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]') !== null) return;
      close.current();
    };
    addEventListener('keydown', onKeyDown);
    return () => {
      removeEventListener('keydown', onKeyDown);
      const isInside = panel?.contains(document.activeElement) === true || document.activeElement === document.body;
      if (isInside && before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, [id, of]);
}
