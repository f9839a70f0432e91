// What scrolls is reached with the keyboard: a `.scroll` whose content is wider or higher than itself is a stop for Tab, with a name, and arrows then move it. One that shows all of its
// content is no stop, since on a wide screen every small table would be one. Looked at when elements come or go and when the window is another, not once a second.

import { inNextFrame } from './browser.ts';

/** Its own stops, or its own name: left alone. */
const isNamed = (scroller: HTMLElement): boolean => scroller.hasAttribute('aria-label') && scroller.dataset.reach === undefined;

function nameOf(scroller: HTMLElement): string {
  const table = scroller.querySelector('table');
  const own = table?.getAttribute('aria-label') ?? table?.caption?.textContent ?? '';
  return own !== '' ? own : (scroller.closest('section, figure')?.querySelector('h2, h3')?.textContent ?? '');
}

function look(root: HTMLElement): void {
  // Reads first, then writes: otherwise each is a layout of its own.
  const found = [...root.querySelectorAll<HTMLElement>('.scroll')]
    .filter((scroller) => !isNamed(scroller))
    .map((scroller) => ({
      scroller,
      isLarger: scroller.scrollWidth > scroller.clientWidth || scroller.scrollHeight > scroller.clientHeight,
      name: nameOf(scroller),
    }));
  for (const { scroller, isLarger, name } of found) {
    if (isLarger) {
      Object.assign(scroller.dataset, { reach: '' });
      scroller.tabIndex = 0;
      scroller.setAttribute('role', 'group');
      scroller.setAttribute('aria-label', `${name.trim()}, scrolls`);
    } else if (scroller.dataset.reach !== undefined && scroller !== document.activeElement) {
      delete scroller.dataset.reach;
      for (const name of ['tabindex', 'role', 'aria-label']) scroller.removeAttribute(name);
    }
  }
}

/** For as long as the page is open. */
export function keepScrollersInReach(root: HTMLElement): void {
  const frame = inNextFrame(() => look(root));
  new MutationObserver(frame.ask).observe(root, { childList: true, subtree: true, attributeFilter: ['open'] });
  new ResizeObserver(frame.ask).observe(root);
}
