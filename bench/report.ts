import { paint, printTable } from '../cli/output/table';
import { isOver, ratioOf, type Figure, type Unit, type Value } from './figure';

const HEAD = ['BENCHMARK', 'WHAT', 'MEASURED', 'COMPARED WITH', 'RATIO', 'BUDGET', 'VERDICT'];

export interface Finding {
  readonly benchmark: string;
  readonly figures: readonly Figure[];
}

export function printFindings(findings: readonly Finding[]): void {
  printTable(HEAD, rowsOf(findings));
}

/** One row for each figure, as the table shows it. */
export function rowsOf(findings: readonly Finding[]): readonly (readonly string[])[] {
  return findings.flatMap(({ benchmark, figures }) =>
    figures.map((figure, index) => [
      index === 0 ? benchmark : '',
      figure.what,
      valueText(figure.measured, figure.unit),
      `${valueText(figure.against, figure.unit)} ${figure.against.what}`,
      figure.against.value > 0 ? ratioOf(figure).toFixed(2) : '-',
      figure.budget.of === 'ratio'
        ? `≤ ${figure.budget.max.toFixed(2)} ×`
        : `≤ ${withUnit(String(figure.budget.max), figure.unit)}`,
      isOver(figure) ? paint.red('over') : paint.green('ok'),
    ]),
  );
}

/** For scripts: the figures, with what the table works out. */
export function jsonOf(findings: readonly Finding[]): unknown {
  return findings.flatMap(({ benchmark, figures }) =>
    figures.map((figure) => ({
      benchmark,
      ...figure,
      ratio: figure.against.value > 0 ? ratioOf(figure) : null,
      isOver: isOver(figure),
    })),
  );
}

function valueText({ value, spread }: Value, unit: Unit): string {
  const text = withUnit(digits(value), unit);
  return spread === undefined ? text : `${text} (${digits(spread[0])}–${digits(spread[1])})`;
}

const withUnit = (text: string, unit: Unit): string => `${text} ${unit}`;

/** Three that count are enough to read. */
function digits(value: number): string {
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(3);
}
