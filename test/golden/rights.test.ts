// bootstrap/RIGHTS.md is what the clouds' tables of rights say, so that the document never asks for more or less than the code uses. `vitest -u` writes it anew.

import { expect, it } from 'vitest';
import type { CloudType } from '../../bootstrap/cloud.ts';
import { loadCloudType } from '../../node/runtime/cloud-registry.ts';

const HEADER = `# Rights

The least that a launch needs at each vendor, made from the tables of what the code calls (\`quilt-swarm doctor --cloud NAME --rights\` prints the same). Written by a test: change the tables, not this file.
No credential of the launcher ever goes to a machine. A machine has its ticket, and ends by the means of its vendor: power off on AWS, max run duration on GCE, its kill timer everywhere.
`;

it('the document of least rights is what the clouds say', async () => {
  const sections: string[] = [];
  for (const name of ['aws', 'gce', 'openstack']) {
    const type = await loadCloudType(name);
    if (!type.ok) throw new Error(name);
    sections.push(sectionOf(type.value));
  }
  await expect(`${HEADER}\n${sections.join('\n')}`).toMatchFileSnapshot('../../bootstrap/RIGHTS.md');
});

function sectionOf({ name, summary, leastRights }: CloudType): string {
  const text = leastRights?.() ?? '';
  const language = /^[{[]/.test(text) ? 'json' : 'yaml';
  return `## ${name}\n\n${summary}.\n\n\`\`\`${language}\n${text}\n\`\`\`\n`;
}
