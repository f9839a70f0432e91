// What an operator may add to every machine on AWS, from the environment: a key pair to log in with (QUILT_AWS_KEY_NAME), and a launch template for what a launch does not say
// itself - instance profile, disks, placement (QUILT_AWS_LAUNCH_TEMPLATE, a name or lt-..., with :VERSION). What the order says wins over the template: image, type, network, user
// data, marks, and that power off terminates. Key pairs and templates are the operator's own: never made, never deleted.

import type { Refusal } from '../../cloud.ts';
import type { RunInstancesInput, SendToEc2 } from './shapes.ts';

export interface OperatorExtras {
  readonly KeyName?: string;
  readonly LaunchTemplate?: { readonly LaunchTemplateId?: string; readonly LaunchTemplateName?: string; readonly Version: string };
}

const KEY_NAME = /^[\x20-\x7e]{1,255}$/;
const TEMPLATE = /^([a-zA-Z0-9().\-/_]{3,128})(?::(\d{1,9}|\$Latest|\$Default))?$/;

/** A refusal when a variable cannot be read. */
export function extrasFrom(environment: (name: string) => string | undefined): OperatorExtras | Refusal {
  const wrong = (name: string, hint: string): Refusal => ({
    ...{ code: 'QUILT_AWS_ORDER', message: `${name} cannot be read`, hint, cause: 'invalid' },
  });
  const key = environment('QUILT_AWS_KEY_NAME');
  const template = environment('QUILT_AWS_LAUNCH_TEMPLATE');
  if (key !== undefined && !KEY_NAME.test(key)) return wrong('QUILT_AWS_KEY_NAME', 'the name of a key pair of the region');
  const [, name, version = '$Default'] = TEMPLATE.exec(template ?? '') ?? [];
  if (template !== undefined && name === undefined) return wrong('QUILT_AWS_LAUNCH_TEMPLATE', 'a name or lt-..., and :VERSION if you like');
  const which = name?.startsWith('lt-') ? { LaunchTemplateId: name } : { LaunchTemplateName: name ?? '' };
  return {
    ...(key === undefined ? {} : { KeyName: key }),
    ...(name === undefined ? {} : { LaunchTemplate: { ...which, Version: version } }),
  };
}

/** The same line to EC2, with the extras in every request that makes machines: also in the dry run, which so finds a key that is not there. */
export function withExtras(send: SendToEc2, extras: OperatorExtras): SendToEc2 {
  return (name, input) => send(name, name === 'RunInstances' ? { ...(input as RunInstancesInput), ...extras } : input);
}

/** For the plan. */
export const extrasNotes = ({ KeyName, LaunchTemplate }: OperatorExtras): string[] => [
  ...(KeyName === undefined ? [] : [`key pair ${KeyName}`]),
  ...(LaunchTemplate === undefined
    ? []
    : [`launch template ${LaunchTemplate.LaunchTemplateName ?? LaunchTemplate.LaunchTemplateId}, version ${LaunchTemplate.Version}`]),
];
