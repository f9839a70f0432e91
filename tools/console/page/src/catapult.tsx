// Catapult: choose a scenario, change it, see what would run, and start it. The plan follows the text by half a second; a start saves the text first, because a run reads the file.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { AgainView, MachinesRequest, PlanView, ProblemView, ScenarioRow, StartRequest } from '../../protocol.ts';
import { api } from './api.ts';
import { Ask } from './ask.tsx';
import { after } from './browser.ts';
import { CostTable, Refusals } from './cost-table.tsx';
import type { Editor } from './editor.ts';
import { MachinesForm } from './machines-form.tsx';
import { useModel } from './model.ts';
import { Card, Chip, Command, Text, Trouble } from './parts.tsx';
import { type Machines, machinesOf, nowhereElse, requestOf } from './placements.ts';
import { Plan, Problems } from './plan-view.tsx';
import { goTo } from './route.ts';
import { shown } from './text.ts';
import { WhyNotStarted } from './why-not-started.tsx';

const PLAN_AFTER_MS = 500;

export function Catapult({ path }: { path: readonly string[] }) {
  const [scenarios, setScenarios] = useState<readonly ScenarioRow[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const load = (): void => void api.scenarios().then(setScenarios, setError);
  useEffect(load, []);
  const { scenario: wanted, again } = placeOf(path);
  const chosen = wanted ?? scenarios?.[0]?.path ?? null;
  return (
    <div class="catapult">
      <Card title="Scenarios" class="scenarios">
        {error !== null && <Trouble error={error} />}
        {scenarios?.length === 0 && <p class="dim">There is none in this folder: `quilt-swarm new` writes one.</p>}
        <ul>
          {scenarios?.map((scenario) => (
            <li key={scenario.path}>
              <button
                type="button"
                class="scenario-choice"
                aria-current={scenario.path === chosen}
                onClick={() => goTo('catapult', ...scenario.path.split('/'))}
              >
                <span class="scenario-name">
                  {shown(scenario.name === '' ? scenario.path : scenario.name)}
                  {!scenario.isValid && <Chip tone="bad">problems</Chip>}
                </span>
                <span class="dim">{shown(scenario.description === '' ? scenario.path : scenario.description)}</span>
              </button>
            </li>
          ))}
        </ul>
      </Card>
      {chosen !== null && <Workbench key={`${chosen} ${again}`} path={chosen} again={again} onSaved={load} />}
    </div>
  );
}

/** A scenario's path, and behind it perhaps the run whose values the form starts with. */
function placeOf(path: readonly string[]): { scenario: string | null; again: string | null } {
  const end = path.findIndex((word) => /\.ya?ml$/.test(word)) + 1;
  if (end === 0) return { scenario: path.length === 0 ? null : path.join('/'), again: null };
  return { scenario: path.slice(0, end).join('/'), again: path[end] === 'again' ? (path[end + 1] ?? null) : null };
}

/** Plan of what is written, some time after the last change. */
function usePlan(
  path: string,
  text: string | null,
  variables: Readonly<Record<string, string>>,
  nodes: number,
  machines: MachinesRequest | undefined,
): { plan: PlanView | null; error: unknown } {
  const [found, setFound] = useState<{ plan: PlanView | null; error: unknown }>({ plan: null, error: null });
  const given = JSON.stringify({ variables, machines });
  useEffect(() => {
    if (text === null) return;
    let isWanted = true;
    const cancel = after(PLAN_AFTER_MS, () => {
      api.plan({ path, text, nodes, ...(JSON.parse(given) as Pick<StartRequest, 'variables' | 'machines'>) }).then(
        (plan) => isWanted && setFound({ plan, error: null }),
        (error: unknown) => isWanted && setFound((old) => ({ ...old, error })),
      );
    });
    return () => {
      isWanted = false;
      cancel();
    };
  }, [path, text, given, nodes]);
  return found;
}

/** The form's values; those of a past run where it is opened from one. */
function useForm(again: string | null) {
  const [variables, setVariables] = useState<Readonly<Record<string, string>>>({});
  const [nodes, setNodes] = useState(2);
  const [machines, setMachines] = useState<Machines>(nowhereElse);
  const [from, setFrom] = useState<AgainView | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    if (again === null) return;
    api.again(again).then((view) => {
      setVariables(view.request.variables);
      setNodes(view.request.nodes);
      setMachines(machinesOf(view.request.machines));
      setFrom(view);
    }, setError);
  }, [again]);
  return { variables, setVariables, nodes, setNodes, machines, setMachines, from, error };
}

interface WorkbenchInit {
  readonly path: string;
  /** A past run. */
  readonly again: string | null;
  readonly onSaved: () => void;
}

function Workbench({ path, again, onSaved }: WorkbenchInit) {
  const { session } = useModel();
  const [saved, setSaved] = useState<string | null>(null);
  const [text, setText] = useState<string | null>(null);
  const form = useForm(again);
  const { variables, nodes } = form;
  const machines = requestOf(form.machines);
  const [error, setError] = useState<unknown>(null);
  const [isWritten, setWritten] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const editor = useRef<Editor | null>(null);
  const { plan, error: planError } = usePlan(path, text, variables, nodes, machines);
  const canStart = session?.canStart === true;

  useEffect(() => {
    api.scenario(path).then((content) => {
      setSaved(content);
      setText(content);
    }, setError);
  }, [path]);
  useEffect(() => editor.current?.setProblems(plan?.ok === false ? plan.problems : []), [plan]);

  const act = async (action: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setError(null);
    await action().catch(setError);
    setBusy(false);
  };
  const save = async (): Promise<void> => {
    if (text === null || text === saved) return;
    await api.save(path, text);
    setSaved(text);
    setWritten(true);
    onSaved();
  };
  const start = async (agreedUsd: number | null): Promise<void> => {
    await save();
    await api.start({
      path,
      variables,
      nodes,
      ...(machines === undefined ? {} : { machines }),
      ...(agreedUsd === null ? {} : { agreedUsd }),
    });
    goTo('live');
  };
  const onGoTo = ({ line, column }: ProblemView): void => editor.current?.goTo(line ?? 1, column ?? 1);
  return (
    <div class="workbench">
      <Card title={shown(path)} id="workbench" aside={text !== saved ? <Chip tone="warn">changed</Chip> : null}>
        {again !== null && form.from !== null && <From id={again} view={form.from} />}
        {saved !== null && <EditorPlace key={path} text={saved} onChange={setText} onReady={(ready) => (editor.current = ready)} />}
        {plan?.ok === false && <Problems problems={plan.problems} command={plan.command} onGoTo={onGoTo} />}
        <Values plan={plan} variables={variables} onVariables={form.setVariables} />
        <MachinesForm machines={form.machines} nodes={nodes} onMachines={form.setMachines} onNodes={form.setNodes} />
        {plan?.ok === true && plan.machines !== null && <Refusals problems={plan.machines.problems} />}
        <div class="buttons">
          <button type="button" disabled={!canStart || isBusy || text === saved} onClick={() => void act(save)}>
            Save
          </button>
          <StartButton plan={plan} isPossible={canStart && !isBusy} onStart={(agreedUsd) => void act(() => start(agreedUsd))} />
          {!canStart && <span class="dim">This session only reads.</span>}
          {canStart && <WhyNotStarted plan={plan} />}
        </div>
        <p class="dim" aria-live="polite">
          {isWritten && text === saved && (
            <>
              Written to <code>{shown(path)}</code>
            </>
          )}
        </p>
        {[error, planError, form.error].map((problem, index) => problem !== null && <Trouble key={index} error={problem} />)}
      </Card>
      {plan?.ok === true && <Plan plan={plan} />}
    </div>
  );
}

/** Where the form's values are from, and what it cannot show of that run. */
function From({ id, view: { isChanged, more } }: { id: string; view: AgainView }) {
  return (
    <p class={`notice ${isChanged ? 'warn' : 'calm'}`}>
      Filled in as <a href={`#/runs/${encodeURIComponent(id)}`}>{shown(id)}</a> was started.
      {isChanged && ' The scenario is not what it was then.'}
      {more.length > 0 && (
        <>
          {' '}
          Not here, but kept by “Again” in the list of runs: <code>{shown(more.join(' '))}</code>
        </>
      )}
    </p>
  );
}

interface StartInit {
  readonly plan: PlanView | null;
  readonly isPossible: boolean;
  /** Gets what the person saw as its cost; null = nothing is rented. */
  readonly onStart: (agreedUsd: number | null) => void;
}

/** Starts at once what costs nothing; asks before machines are rented. Shows the line that does the same. */
function StartButton({ plan, isPossible, onStart }: StartInit) {
  const [isAsked, setAsked] = useState(false);
  const good = plan?.ok === true && plan.unplaceable.length === 0 ? plan : null;
  const cost = good?.machines?.cost ?? null;
  const isRented = plan?.ok === true && plan.machines !== null;
  const isGood = good !== null && (good.machines === null || (cost !== null && good.machines.problems.length === 0));
  return (
    <>
      <button type="button" class="primary" disabled={!isPossible || !isGood} onClick={() => (isRented ? setAsked(true) : onStart(null))}>
        {isRented ? 'Launch…' : 'Start the run'}
      </button>
      {plan?.ok === true && <Command command={plan.start} />}
      {isAsked && cost !== null && plan?.ok === true && (
        <Ask
          {...{ title: 'Rent these machines?', yes: 'Launch', no: 'Not now', tone: 'primary', command: `${plan.start} --yes` }}
          onYes={() => onStart(cost.totalUsd)}
          onClose={() => setAsked(false)}
        >
          <CostTable cost={cost} />
        </Ask>
      )}
    </>
  );
}

function EditorPlace({
  text,
  onChange,
  onReady,
}: {
  text: string;
  onChange: (text: string) => void;
  onReady: (editor: Editor | null) => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  const [error, setError] = useState<unknown>(null);
  // One editor for each file; its text is its own from then on
  useEffect(() => {
    let editor: Editor | null = null;
    let isWanted = true;
    const begin = async (): Promise<void> => {
      const [{ createEditor }, schema] = await Promise.all([import('./editor.ts'), api.schema()]);
      if (!isWanted || place.current === null) return;
      editor = createEditor(place.current, schema, onChange);
      editor.setText(text);
      onReady(editor);
    };
    begin().catch(setError);
    return () => {
      isWanted = false;
      onReady(null);
      editor?.destroy();
    };
  }, []);
  if (error !== null) return <Trouble error={error} />;
  return (
    <>
      <div class="editor" ref={place} />
      <p class="dim keys">Tab leaves the editor; Ctrl ] indents, Ctrl Space offers words.</p>
    </>
  );
}

type GoodPlan = Extract<PlanView, { ok: true }>;

interface ValuesInit {
  readonly plan: PlanView | null;
  readonly variables: Readonly<Record<string, string>>;
  readonly onVariables: (variables: Readonly<Record<string, string>>) => void;
}

/** A form for what the scenario leaves open. Values that are as written are not sent. */
function Values({ plan, variables, onVariables }: ValuesInit) {
  const known = useRef<Pick<GoodPlan, 'variables' | 'descriptions'>>({ variables: {}, descriptions: {} });
  if (plan?.ok === true) known.current = plan;
  const set = (name: string, value: string, usual: string): void => {
    const { [name]: _, ...rest } = variables;
    onVariables(value === usual ? rest : { ...rest, [name]: value });
  };
  const { descriptions } = known.current;
  const rows = Object.entries(known.current.variables);
  if (rows.length === 0) return null;
  return (
    <form class="values-form" onSubmit={(event) => event.preventDefault()}>
      {rows.map(([name, usual]) => (
        <label key={name}>
          <span>
            <Text text={name} max={32} />
            {descriptions[name] !== undefined && (
              <span class="described">
                {' '}
                <Text text={descriptions[name]} max={60} />
              </span>
            )}
          </span>
          <input
            type="text"
            value={variables[name] ?? usual}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => set(name, event.currentTarget.value, usual)}
          />
        </label>
      ))}
    </form>
  );
}
