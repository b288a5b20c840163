/** Pure: a plain value → YAML that reads as the same, for people. */
import { Document, visit } from 'yaml';

/** Lines stay whole, and what is there several times is written out each time: people read it with etcdctl. */
export function writeYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(key, node) {
      // Without quotes it would be a merge key.
      if (key === 'key' && node.value === '<<') node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0 });
}
