// The editor for scenarios: CodeMirror with YAML, problems of the server's check at their places, and words from the JSON Schema. A chunk of its own, loaded when somebody edits. It lives in
// a shadow root, where its styles are adopted sheets: the page's policy allows no style elements.

import { autocompletion, type CompletionContext, type CompletionResult, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { EditorState, Transaction } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { ProblemView } from '../../protocol.ts';
import { type Schema, wordsAt } from './schema-words.ts';
import { shown } from './text.ts';

export interface Editor {
  setText(text: string): void;
  setProblems(problems: readonly ProblemView[]): void;
  goTo(line: number, column: number): void;
  destroy(): void;
}

const theme = EditorView.theme({
  '&': { height: '100%', fontSize: '13px', color: 'var(--text)', backgroundColor: 'transparent' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace', lineHeight: '1.55' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--dim)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'var(--hover)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--selection)',
  },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--border)', borderRadius: '6px' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on-accent)' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--bad)' },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent-text)' },
  { tag: tags.comment, color: 'var(--dim)', fontStyle: 'italic' },
  { tag: [tags.string, tags.content], color: 'var(--text)' },
  { tag: [tags.number, tags.bool, tags.keyword, tags.atom], color: 'var(--series-2)' },
  { tag: [tags.punctuation, tags.separator], color: 'var(--dim)' },
]);

function completion(schema: Schema): (context: CompletionContext) => CompletionResult | null {
  return (context) => {
    const line = context.state.doc.lineAt(context.pos);
    const { from, words } = wordsAt(schema, context.state.doc.toString(), line.number - 1, context.pos - line.from);
    if (words.length === 0 || (from === context.pos - line.from && !context.explicit)) return null;
    return {
      from: line.from + from,
      validFor: /^[\w-]*$/,
      options: words.map(({ label, info, isKey }) => ({
        label,
        apply: isKey ? `${label}: ` : label,
        type: isKey ? 'property' : 'enum',
        ...(info === '' ? {} : { info }),
      })),
    };
  };
}

function diagnostic(state: EditorState, { message, hint, line, column }: ProblemView): Diagnostic {
  const at = state.doc.line(Math.min(state.doc.lines, Math.max(1, line ?? 1)));
  const from = Math.min(at.to, at.from + Math.max(0, (column ?? 1) - 1));
  const rest = /^[^\s:,\]}]+/.exec(at.text.slice(from - at.from))?.[0].length ?? 0;
  return { from, to: from + rest, severity: 'error', message: shown(hint === null ? message : `${message} — ${hint}`) };
}

export function createEditor(place: HTMLElement, schema: Schema, onChange: (text: string) => void): Editor {
  const root = place.shadowRoot ?? place.attachShadow({ mode: 'open' });
  const tabKeys = [
    { key: 'Mod-]', run: indentMore },
    { key: 'Mod-[', run: indentLess },
  ];
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      extensions: [
        lineNumbers(),
        lintGutter(),
        history(),
        // Characters that write nothing or turn writing around: a point in their place.
        highlightSpecialChars(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        highlightActiveLine(),
        yaml(),
        syntaxHighlighting(colours),
        autocompletion({ override: [completion(schema)], icons: false }),
        keymap.of([...completionKeymap, ...tabKeys, ...defaultKeymap, ...historyKeymap]),
        EditorState.tabSize.of(2),
        EditorView.contentAttributes.of({
          'aria-label': 'Scenario, YAML',
          'aria-description': 'Tab leaves the editor; Control and ] indents; Control and Space offers words',
          tabindex: '0',
        }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString());
        }),
        theme,
      ],
    }),
  });
  return {
    // Not to be undone: below it there is nothing.
    setText: (text) =>
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, annotations: Transaction.addToHistory.of(false) }),
    setProblems: (problems) =>
      view.dispatch(
        setDiagnostics(
          view.state,
          problems.map((problem) => diagnostic(view.state, problem)),
        ),
      ),
    goTo(line, column) {
      const at = view.state.doc.line(Math.min(view.state.doc.lines, Math.max(1, line)));
      view.dispatch({ selection: { anchor: Math.min(at.to, at.from + Math.max(0, column - 1)) }, scrollIntoView: true });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}
