import type { Parsed, Reader } from './read';

/** A list, or one text that is split as a shell would, without one being run. */
export function readWords(reader: Reader): readonly string[] {
  if (Array.isArray(reader.value)) return reader.texts();
  const words = reader.withBraces('verbatim').parse(splitWords) ?? [];
  // As words, since quotes may stand around braces. One that is broken within {{ }} is told to be not closed.
  return words.some((word) => reader.checkText(word) === undefined) ? [] : words;
}

/** Splits a command as a POSIX shell splits words, with quotes and backslashes, and expands nothing. */
export function splitWords(text: string): Parsed<readonly string[]> {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!;
    if (quote === "'") {
      if (letter === "'") quote = '';
      else word += letter;
    } else if (letter === '\\' && at + 1 < text.length) {
      const next = text[++at]!;
      // In double quotes a backslash stands for itself before anything but these.
      word = (word ?? '') + (quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next);
    } else if (quote === '"') {
      if (letter === '"') quote = '';
      else word += letter;
    } else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= '';
    } else if (/\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + letter;
  }
  if (quote !== '') return { problem: `a ${quote} is not closed; write the command as a list to be free of quoting` };
  if (word !== undefined) words.push(word);
  return words;
}
