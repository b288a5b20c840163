import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';

const GAP = '   ';

/** Columns under their names, as `docker ps` shows them; no borders, so that grep and awk work. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  printRows([head.map((name) => paint.bold(name)), ...rows]);
}

/** The same without names. */
export function printRows(rows: readonly (readonly string[])[]): void {
  process.stdout.write(`${alignRows(rows).join('\n')}\n`);
}

/** Each row as a line, with its columns under those of the others. Takes a fleet: time grows with the rows alone. */
export function alignRows(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, width(cell))));
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat(widths[column]! - width(cell)))
      .join(GAP)
      .trimEnd(),
  );
}

function width(cell: string): number {
  return [...stripVTControlCharacters(cell)].length;
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Colours on a terminal alone: https://no-color.org. (picocolors itself would colour a CI's log files too.) */
export function wantsColors(env: NodeJS.ProcessEnv, isTerminal: boolean | undefined): boolean {
  if (env['NO_COLOR']) return false;
  return Boolean(env['FORCE_COLOR']) || (isTerminal === true && env['TERM'] !== 'dumb');
}

export const paint = pc.createColors(wantsColors(process.env, process.stdout.isTTY));
