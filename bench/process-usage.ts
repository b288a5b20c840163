/** What a process costs, as the kernel counts it: proc(5). */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const MS_PER_TICK = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Megabytes of 1,000,000 bytes that it has in memory, shared pages included. */
export function residentMb(pid: number): number {
  const line = /^Rss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  return (Number(line?.[1]) * 1024) / 1e6;
}

/** Milliseconds of CPU that it and its children that have ended have taken so far; steps of 10 ms. */
export function cpuMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the name, which may hold anything; the first field there is the third of proc(5).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [utime, stime, cutime, cstime] = [11, 12, 13, 14].map((at) => Number(fields[at]));
  return (utime! + stime! + cutime! + cstime!) * MS_PER_TICK;
}
