// Where the page is: the part of the address after `#/`, as words. The first is the tab.

import { useEffect, useState } from 'preact/hooks';

function wordsOf(hash: string): string[] {
  return hash
    .replace(/^#\/?/, '')
    .split('/')
    .filter(Boolean)
    .map((word) => {
      try {
        return decodeURIComponent(word);
      } catch {
        // Half a percent sign, typed by hand: it stands for itself.
        return word;
      }
    });
}

export function goTo(...words: readonly string[]): void {
  location.hash = `/${words.map(encodeURIComponent).join('/')}`;
}

export function useRoute(): string[] {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const listener = (): void => setHash(location.hash);
    addEventListener('hashchange', listener);
    return () => removeEventListener('hashchange', listener);
  }, []);
  return wordsOf(hash);
}
