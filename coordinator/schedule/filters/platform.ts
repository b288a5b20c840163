import type { Release } from '../../../lib/documents/types';
import { archName } from '../../compose/constraint';
import type { HostView } from '../../view';
import type { Filter } from '../types';

/** A host whose agent says nothing of its platform passes: its engine says so if it can't run the image. */
export const platform: Filter = {
  name: 'platform',
  check: ({ host }, { container }) => container.platform === '' || runs(host, container.platform),
  explain: ({ host }, release) => `is ${host.record?.os}/${host.record?.arch}, and ${wanted(release)} is wanted`,
};

/** @param platform "os/arch[/variant]", or one of the two alone; the variant is the engine's to judge */
function runs({ record }: HostView, platform: string): boolean {
  const { os = '', arch = '' } = record ?? {};
  const said = [os, archName(arch)];
  return platform
    .split('/')
    .slice(0, 2)
    .every((part, at) => {
      const is = said[at] ?? '';
      return is === '' || is.toLowerCase() === (at === 0 ? part.toLowerCase() : archName(part));
    });
}

function wanted({ container }: Release): string {
  return container.platform;
}
