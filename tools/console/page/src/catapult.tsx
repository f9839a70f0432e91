// Catapult: choose a scenario, change it, see what would run, and start it. The plan follows the text by half a second; a start saves the text first, because a run reads the file.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { PlanView, ProblemView, ScenarioRow } from '../../protocol.ts';
import { api } from './api.ts';
import { after } from './browser.ts';
import type { Editor } from './editor.ts';
import { useModel } from './model.ts';
import { Card, Chip, Command, Text, Trouble } from './parts.tsx';
import { Plan, Problems } from './plan-view.tsx';
import { goTo } from './route.ts';
import { shown } from './text.ts';
import { WhyNotStarted } from './why-not-started.tsx';

const PLAN_AFTER_MS = 500;
const NODES_MAX = 50;

export function Catapult({ path }: { path: readonly string[] }) {
  const [scenarios, setScenarios] = useState<readonly ScenarioRow[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const load = (): void => void api.scenarios().then(setScenarios, setError);
  useEffect(load, []);
  const chosen = path.length > 0 ? path.join('/') : (scenarios?.[0]?.path ?? null);
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
      {chosen !== null && <Workbench key={chosen} path={chosen} onSaved={load} />}
    </div>
  );
}

/** Plan of what is written, some time after the last change. */
function usePlan(
  path: string,
  text: string | null,
  variables: Readonly<Record<string, string>>,
  nodes: number,
): { plan: PlanView | null; error: unknown } {
  const [found, setFound] = useState<{ plan: PlanView | null; error: unknown }>({ plan: null, error: null });
  const given = JSON.stringify(variables);
  useEffect(() => {
    if (text === null) return;
    let isWanted = true;
    const cancel = after(PLAN_AFTER_MS, () => {
      api.plan({ path, text, variables: JSON.parse(given) as Record<string, string>, nodes }).then(
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

function Workbench({ path, onSaved }: { path: string; onSaved: () => void }) {
  const { session } = useModel();
  const [saved, setSaved] = useState<string | null>(null);
  const [text, setText] = useState<string | null>(null);
  const [variables, setVariables] = useState<Readonly<Record<string, string>>>({});
  const [nodes, setNodes] = useState(2);
  const [error, setError] = useState<unknown>(null);
  const [done, setDone] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const editor = useRef<Editor | null>(null);
  const { plan, error: planError } = usePlan(path, text, variables, nodes);
  const canStart = session?.canStart === true;
  const problems = plan?.ok === false ? plan.problems : [];

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
    onSaved();
  };
  const start = async (): Promise<void> => {
    await save();
    setDone((await api.start({ path, variables, nodes })).command);
    goTo('live');
  };
  const onGoTo = ({ line, column }: ProblemView): void => editor.current?.goTo(line ?? 1, column ?? 1);
  return (
    <div class="workbench">
      <Card title={shown(path)} id="workbench" aside={text !== saved ? <Chip tone="warn">changed</Chip> : null}>
        {saved !== null && <EditorPlace key={path} text={saved} onChange={setText} onReady={(ready) => (editor.current = ready)} />}
        {problems.length > 0 && <Problems problems={problems} onGoTo={onGoTo} />}
        <Values plan={plan} variables={variables} nodes={nodes} onVariables={setVariables} onNodes={setNodes} />
        <div class="buttons">
          <button type="button" disabled={!canStart || isBusy || text === saved} onClick={() => void act(save)}>
            Save
          </button>
          <button
            type="button"
            class="primary"
            disabled={!canStart || isBusy || plan?.ok !== true || plan.unplaceable.length > 0}
            onClick={() => void act(start)}
          >
            Start the run
          </button>
          {!canStart && <span class="dim">This session only reads.</span>}
          {canStart && <WhyNotStarted plan={plan} />}
        </div>
        <div aria-live="polite">{done !== null && <Command command={done} />}</div>
        {error !== null && <Trouble error={error} />}
        {planError !== null && <Trouble error={planError} />}
      </Card>
      {plan?.ok === true && <Plan plan={plan} />}
    </div>
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

interface ValuesInit {
  readonly plan: PlanView | null;
  readonly variables: Readonly<Record<string, string>>;
  readonly nodes: number;
  readonly onVariables: (variables: Readonly<Record<string, string>>) => void;
  readonly onNodes: (nodes: number) => void;
}

/** A form for what the scenario leaves open, and for how many nodes. Values that are as written are not sent. */
function Values({ plan, variables, nodes, onVariables, onNodes }: ValuesInit) {
  const known = useRef<Readonly<Record<string, string>>>({});
  if (plan?.ok === true) known.current = plan.variables;
  const set = (name: string, value: string, usual: string): void => {
    const { [name]: _, ...rest } = variables;
    onVariables(value === usual ? rest : { ...rest, [name]: value });
  };
  return (
    <form class="values-form" onSubmit={(event) => event.preventDefault()}>
      <label>
        <span>Nodes</span>
        <input
          type="number"
          min={1}
          max={NODES_MAX}
          value={nodes}
          onInput={(event) => {
            const count = event.currentTarget.valueAsNumber;
            if (Number.isInteger(count) && count >= 1 && count <= NODES_MAX) onNodes(count);
          }}
        />
      </label>
      {Object.entries(known.current).map(([name, usual]) => (
        <label key={name}>
          <span>
            <Text text={name} max={32} />
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
