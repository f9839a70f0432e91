// The wire of EC2's query protocol, from the vendor's side: a form-encoded body becomes nested values ("Filter.1.Value.2=x"), and an answer becomes XML, where a
// list is a tag with `item`s. Source: "Query API for Amazon EC2" and the names in the vendor's API model. What the values mean is ec2-region.ts.

export type Wire = string | readonly Wire[] | { readonly [key: string]: Wire | undefined };
export interface Input {
  readonly [key: string]: Wire | undefined;
}

export class Ec2Error extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

interface Node {
  [key: string]: Node | string;
}

/** Numbered keys become lists in the order of their numbers. */
export function readForm(body: string): Input {
  const root: Node = {};
  for (const [name, value] of new URLSearchParams(body)) {
    const keys = name.split('.');
    const last = keys.pop() as string;
    let node = root;
    for (const key of keys) {
      const next = node[key] ?? {};
      node[key] = next;
      if (typeof next === 'string') throw new Ec2Error('MalformedQueryString', `${name} is given as a value and as a structure`);
      node = next;
    }
    node[last] = value;
  }
  return settle(root) as Input;
}

function settle(node: Node | string): Wire {
  if (typeof node === 'string') return node;
  const keys = Object.keys(node);
  if (keys.length > 0 && keys.every((key) => /^\d+$/.test(key)))
    return keys.sort((a, b) => Number(a) - Number(b)).map((key) => settle(node[key] as Node | string));
  return Object.fromEntries(keys.map((key) => [key, settle(node[key] as Node | string)]));
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function xmlOf(name: string, value: Wire | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return `<${name}>${escaped(value)}</${name}>`;
  if (Array.isArray(value)) return `<${name}>${value.map((each) => xmlOf('item', each)).join('')}</${name}>`;
  return `<${name}>${Object.entries(value)
    .map(([key, each]) => xmlOf(key, each))
    .join('')}</${name}>`;
}

export function answerXml(action: string, output: Input, requestId: string): string {
  const body = Object.entries({ requestId, ...output }).map(([key, value]) => xmlOf(key, value));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${body.join('')}</${action}Response>`;
}

export function errorXml({ code, message }: Ec2Error, requestId: string): string {
  const error = xmlOf('Errors', { Error: { Code: code, Message: message } });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${error}${xmlOf('RequestID', requestId)}</Response>`;
}

export const text = (input: Input, key: string): string => {
  const value = input[key];
  if (value === undefined) return '';
  if (typeof value !== 'string') throw new Ec2Error('InvalidParameterValue', `${key} is not a text`);
  return value;
};
export const texts = (input: Input, key: string): readonly string[] => {
  const value = input[key] ?? [];
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
    throw new Ec2Error('InvalidParameterValue', `${key} is not a list of texts`);
  return value as readonly string[];
};
export const parts = (input: Input, key: string): readonly Input[] => {
  const value = input[key] ?? [];
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'object' && !Array.isArray(each)))
    throw new Ec2Error('InvalidParameterValue', `${key} is not a list of structures`);
  return value as readonly Input[];
};
export const part = (input: Input, key: string): Input => {
  const value = input[key] ?? {};
  if (typeof value === 'string' || Array.isArray(value)) throw new Ec2Error('InvalidParameterValue', `${key} is not a structure`);
  return value as Input;
};
