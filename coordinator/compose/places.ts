/** Where in its text each part of a document stands, by line and column. */
import { Lines, type Place } from '../../lib/yaml/lines';
import { Places as Offsets, type Path } from '../../lib/yaml/places';
import type { YamlTree } from '../../lib/yaml/tree';

export type { Path, Place };

export class Places {
  private readonly lines: Lines;
  private readonly offsets: Offsets | undefined;

  /** @param tree undefined for a text that is no document: then every path stands at its beginning */
  constructor(text: string, tree?: YamlTree) {
    this.lines = new Lines(text);
    this.offsets = tree && new Offsets(tree);
  }

  at(offset: number): Place {
    return this.lines.at(offset);
  }

  /** Of the value at the path; where there is none, of the nearest thing around it. */
  ofValue(path: Path): Place {
    return this.at(this.offsets?.ofValue(path) ?? 0);
  }

  /** Of the key at the path rather than its value. */
  ofKey(path: Path): Place {
    return this.at(this.offsets?.ofKey(path) ?? 0);
  }
}
