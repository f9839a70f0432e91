import { describe, expect, it } from 'vitest';
import { boardView } from '../../node/core/board-view.ts';
import { summarize } from '../../node/core/summary.ts';
import type { BoardView } from '../../node/core/summary-types.ts';
import { renderBoard, renderPlain } from '../../tools/scoreboard/board.ts';
import { actionsOf, createLoadControl } from '../../tools/scoreboard/keys.ts';
import { createScoreboard, scoreboardMode } from '../../tools/scoreboard/live.ts';
import { createStyle } from '../../tools/scoreboard/style.ts';
import { renderSummary } from '../../tools/scoreboard/summary.ts';
import { sparkline } from '../../tools/scoreboard/summary-load.ts';
import { clean, displayWidth, truncate, wrap } from '../../tools/scoreboard/text.ts';
import { sampleAggregate, sampleBoardFacts, sampleFacts } from '../support/sample-run.ts';
import { createTinyTerminal } from '../support/tiny-terminal.ts';

const VIEW = boardView(sampleAggregate(22), sampleBoardFacts({ elapsedMs: 22_000, nodesLive: 3, nodesLost: ['node-3'] }));
const manyGroups = (count: number): BoardView => ({
  ...VIEW,
  groups: Array.from({ length: count }, (_, index) => ({
    ...VIEW.groups[0]!,
    group: `a group with a very long name ${index}`,
    active: 10 ** (index % 7),
  })),
});
const HOSTILE = 'x\u001b[2J\u001b]0;owned\u0007\r\nsecond\u202eline 会議室 🎉'.repeat(3);

describe('the board', () => {
  it('never is wider or higher than the terminal, in colour or not', () => {
    const views = [VIEW, manyGroups(0), manyGroups(3), manyGroups(60), { ...VIEW, scenario: HOSTILE, coordinator: HOSTILE, note: HOSTILE }];
    for (const view of views) {
      for (const columns of [20, 33, 47, 60, 79, 80, 81, 100, 132, 250]) {
        for (const rows of [2, 5, 24]) {
          for (const hasColor of [false, true]) {
            const lines = renderBoard(view, { columns, rows }, createStyle(hasColor));
            expect(lines.length).toBeLessThanOrEqual(rows);
            for (const line of lines) expect(displayWidth(line), line).toBeLessThanOrEqual(columns);
          }
        }
      }
    }
  });

  it('says in its first line what DESIGN 8 asks for', () => {
    const [first] = renderBoard({ ...VIEW, term: 3 }, { columns: 100, rows: 24 }, createStyle(false));
    expect(first).toMatch(/^ RUNNING +00:22\/00:30 +EPs 159\/160 +nodes 3\/4 +coordinator seed term 3/);
  });

  it('has a line for trouble only while there is some', () => {
    const quiet = renderBoard({ ...VIEW, troubles: [] }, { columns: 80, rows: 24 }, createStyle(false));
    expect(quiet).toHaveLength(1 + VIEW.groups.length);
    expect(VIEW.troubles.map(({ text }) => text)).toEqual([
      'lost: node-3',
      'errors 19: status-503 18, timeout 1',
      'overloaded, measurements tainted: node-2 (worker stalled)',
    ]);
  });

  it('shows trouble even when groups alone would fill the screen, and sums up the groups it hides', () => {
    const lines = renderBoard(manyGroups(60), { columns: 80, rows: 10 }, createStyle(false));
    expect(lines.filter((line) => line.startsWith(' !'))).toHaveLength(VIEW.troubles.length);
    expect(lines.some((line) => line.includes('more groups'))).toBe(true);
  });

  it('tells of planned endpoints that no node owns', () => {
    const facts = sampleBoardFacts({
      elapsedMs: 20_000,
      groups: [{ group: 'viewers', type: 'http', planned: 500, plannedLately: 500, peak: 500 }],
    });
    expect(boardView(sampleAggregate(20), facts).troubles.some(({ text }) => /endpoints are owned by no node/.test(text))).toBe(true);
  });

  it('takes a ramp between two windows for no shortfall', () => {
    const groups = [{ group: 'viewers', type: 'http', planned: 500, plannedLately: 100, peak: 500 }];
    const { troubles } = boardView(sampleAggregate(20), sampleBoardFacts({ elapsedMs: 20_000, groups }));
    expect(troubles.some(({ text }) => /owned by no node/.test(text))).toBe(false);
  });

  it('lets no foreign text reach the terminal as control codes', () => {
    const view = {
      ...VIEW,
      troubles: [{ level: 'error' as const, text: HOSTILE }],
      groups: [{ ...VIEW.groups[0]!, group: HOSTILE, type: HOSTILE }],
    };
    for (const line of [...renderBoard(view, { columns: 300, rows: 24 }, createStyle(false)), renderPlain(view)]) {
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    }
  });
});

describe('the summary', () => {
  it('never is wider than the page, in colour or not, and lets no control codes through', () => {
    const hostile = sampleFacts({
      scenario: HOSTILE,
      endMessage: HOSTILE,
      end: 'internal-fault',
      events: [{ atSwarmMs: 0, level: 'error', text: HOSTILE }],
      files: [],
    });
    for (const facts of [sampleFacts({ files: [] }), hostile]) {
      const summary = summarize(sampleAggregate(), facts);
      for (const columns of [64, 80, 100, 140, 300]) {
        for (const color of [false, true]) {
          for (const line of renderSummary(summary, { color, columns })) {
            expect(displayWidth(line), line).toBeLessThanOrEqual(columns);
            expect(line.replace(/\u001b\[[0-9;]*m/g, '')).not.toMatch(/[\u0000-\u001f\u202e]/);
          }
        }
      }
    }
  });

  it('puts the verdict first and thresholds second', () => {
    const lines = renderSummary(summarize(sampleAggregate(), sampleFacts({ limitMs: 30 })), { color: false, columns: 100 }).filter(
      (line) => line !== '',
    );
    expect(lines[0]).toMatch(/^ {2}FAIL {2}demo .* exit 99/);
    expect(lines[1]).toContain('1 of 3 thresholds not met: http_req_duration{group:viewers} p(95)<30');
    expect(lines.find((line) => /^ {2}[A-Z]/.test(line) && !line.includes('FAIL'))).toMatch(/THRESHOLDS +2 of 3 met/);
  });
});

describe('the live driver', () => {
  const size = { columns: 80, rows: 24 };
  const start = () => {
    const terminal = createTinyTerminal();
    terminal.write('$ quilt-swarm run\n');
    const board = createScoreboard({ mode: 'live', color: true, write: terminal.write, size: () => size });
    return { terminal, board };
  };
  const plain = (view: BoardView): string[] =>
    renderBoard(view, { columns: 80, rows: 23 }, createStyle(false)).map((line) => line.trimEnd());
  const stripped = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/ +/g, ' '));

  it('redraws in place, also when the board grows and shrinks', () => {
    const { terminal, board } = start();
    for (const view of [VIEW, manyGroups(6), manyGroups(1), VIEW]) {
      board.show(view);
      expect(stripped(terminal.screen())).toEqual(['$ quilt-swarm run', ...stripped(plain(view))]);
      expect(terminal.isCursorHidden()).toBe(true);
    }
  });

  it('puts lines that stay above the board, in order', () => {
    const { terminal, board } = start();
    board.print('first');
    board.show(VIEW);
    board.print('second');
    board.show(manyGroups(2));
    expect(stripped(terminal.screen())).toEqual(['$ quilt-swarm run', 'first', 'second', ...stripped(plain(manyGroups(2)))]);
  });

  it('takes the board away at the end and gives the cursor back, once', () => {
    const { terminal, board } = start();
    board.show(VIEW);
    board.print('stays');
    board.close();
    board.close();
    board.show(VIEW);
    expect(terminal.screen()).toEqual(['$ quilt-swarm run', 'stays']);
    expect(terminal.isCursorHidden()).toBe(false);
  });

  it('redraws when the terminal changes its size, and stops listening at the end', () => {
    const listeners = new Set<() => void>();
    const written: string[] = [];
    const current = { columns: 120, rows: 24 };
    const board = createScoreboard({
      mode: 'live',
      color: false,
      write: (text) => written.push(text),
      size: () => current,
      onResize: (callback) => {
        listeners.add(callback);
        return () => listeners.delete(callback);
      },
    });
    board.show(VIEW);
    current.columns = 40;
    for (const listener of listeners) listener();
    expect(written).toHaveLength(2);
    expect(written[1]).toContain(renderBoard(VIEW, { columns: 40, rows: 23 }, createStyle(false))[1]);
    board.close();
    expect(listeners.size).toBe(0);
  });
});

describe('the other drivers', () => {
  const collect = (mode: 'plain' | 'json' | 'quiet') => {
    const written: string[] = [];
    return {
      written,
      board: createScoreboard({ mode, color: false, write: (text) => written.push(text), size: () => ({ columns: 80, rows: 24 }) }),
    };
  };

  it('plain: a line each ten seconds and with each phase', () => {
    const { written, board } = collect('plain');
    for (let second = 0; second <= 25; second++) board.show({ ...VIEW, elapsedMs: second * 1000 });
    board.show({ ...VIEW, elapsedMs: 25_500, phase: 'draining' });
    expect(written.map((line) => line.slice(0, 14))).toEqual(['running 00:00/', 'running 00:10/', 'running 00:20/', 'draining 00:25']);
    expect(written.every((line) => line.endsWith('\n') && !line.slice(0, -1).includes('\n'))).toBe(true);
  });

  it('json: one object a line', () => {
    const { written, board } = collect('json');
    board.show(VIEW);
    board.print('a note');
    expect(written.map((line) => JSON.parse(line).type)).toEqual(['board', 'note']);
    expect(JSON.parse(written[0]!)).toMatchObject({ boardVersion: 1, phase: 'running', endpointsActive: 159 });
  });

  it('quiet: nothing', () => {
    const { written, board } = collect('quiet');
    board.show(VIEW);
    board.print('a note');
    expect(written).toEqual([]);
  });

  it.each([
    [{ json: true, quiet: true, isTty: true }, 'json'],
    [{ json: false, quiet: true, isTty: true }, 'quiet'],
    [{ json: false, quiet: false, isTty: true }, 'live'],
    [{ json: false, quiet: false, isTty: false }, 'plain'],
  ] as const)('%j chooses %s', (flags, mode) => {
    expect(scoreboardMode(flags)).toBe(mode);
  });
});

describe('keys', () => {
  it.each([
    ['+', ['more']],
    ['=', ['more']],
    ['-', ['less']],
    ['p', ['pause']],
    ['q', ['drain']],
    ['Q', ['stop-now']],
    ['\u0003', ['interrupt']],
    ['++-', ['more', 'more', 'less']],
    ['x', []],
    ['constructor', []],
    ['\u001b[A', []],
    ['\u001b[1;5P', []],
    ['\u001bOQ', []],
    ['\u001bq', []],
    ['\u001b', []],
    ['\u001b[Aq', ['drain']],
    ['quit quit quit', []],
    ['\u001b[200~Q\u001b[201~+', ['more']],
  ])('%j: %j', (input, actions) => {
    expect(actionsOf(input)).toEqual(actions);
  });

  it('count in tenths of the planned load, pause to nothing and come back to where they were', () => {
    const control = createLoadControl();
    expect(control.factorAfter('more')).toBe(1.1);
    expect(control.factorAfter('more')).toBe(1.2);
    expect(control.factorAfter('pause')).toBe(0);
    expect(control.isPaused()).toBe(true);
    expect(control.factorAfter('pause')).toBe(1.2);
    for (let press = 0; press < 2; press++) control.factorAfter('less');
    expect(control.factorAfter('less')).toBe(0.9);
    expect(control.factorAfter('drain')).toBeNull();
    for (let press = 0; press < 20; press++) control.factorAfter('less');
    expect(control.factorAfter('less')).toBeNull();
    expect(control.factorAfter('more')).toBe(0.1);
  });
});

describe('text', () => {
  it('is measured, cut and wrapped as terminals show it', () => {
    expect(displayWidth('\u001b[31mred\u001b[39m')).toBe(3);
    expect(displayWidth('会議')).toBe(4);
    expect(truncate('abcdef', 4)).toBe('abc…');
    expect(truncate('会議室', 4)).toBe('会…');
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(clean('a\u001b[2Jb\nc')).toBe('a\ufffd[2Jb c');
  });

  it.each([
    [[0, 1, 8], 8, 3, ' ▁█'],
    [[0.01], 100, 1, '▁'],
    [[1, 9, 2, 2], 9, 2, '█▂'],
    [[], 1, 5, ''],
  ])('sparkline %j of %i in %i columns', (values, max, width, expected) => {
    expect(sparkline(values, max, width)).toBe(expected);
  });
});
