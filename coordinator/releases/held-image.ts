/** Pure: which bits the name of an image means where etcd has forgotten it. */
import { isDigest } from '../../lib/image-reference';
import type { InstanceReport } from '../schedule/types';

/**
 * @param name as the operator wrote it
 * @returns with the digest that most of the instances run whose release etcd has forgotten, and of two, the one of the later
 *   release; undefined when none was made from that name with a digest
 */
export function heldImage(reports: readonly InstanceReport[], name: string): string | undefined {
  const known = new Map<string, { count: number; release: number }>();
  for (const { status } of reports) {
    const { image = '', release } = status;
    const [reference, digest = ''] = image.split('@');
    if (reference !== name || !isDigest(digest)) continue;
    const { count, release: latest } = known.get(image) ?? { count: 0, release: 0 };
    known.set(image, { count: count + 1, release: Math.max(latest, release) });
  }
  const [best] = [...known].sort(([a, one], [b, other]) => {
    return other.count - one.count || other.release - one.release || (a < b ? -1 : 1);
  });
  return best?.[0];
}
