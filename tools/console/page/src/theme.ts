// Light or dark: as the system says, or as the switch says. Canvases cannot use CSS variables, so the colours of the style sheet are read here, once for each look, and charts are told when
// they change.

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'quilt-theme';
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();
const tones = new Map<string, string>();

export function themeNow(): Theme {
  const { theme } = document.documentElement.dataset;
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

function changed(): void {
  tones.clear();
  for (const listener of listeners) listener();
}

export function setTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  localStorage.setItem(KEY, theme);
  changed();
}

export function startTheme(): void {
  const kept = localStorage.getItem(KEY);
  if (kept === 'light' || kept === 'dark') document.documentElement.dataset.theme = kept;
  systemIsDark.addEventListener('change', changed);
}

export function onTheme(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Value of `--name` now. */
export function tone(name: string): string {
  let value = tones.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    tones.set(name, value);
  }
  return value;
}
