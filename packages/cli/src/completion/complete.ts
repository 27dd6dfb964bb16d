import type { Command, Option } from 'commander';

/**
 * The words that fit after others.
 *
 * @param words - what stands behind the name of the program; the last one is unfinished.
 */
export function complete(program: Command, words: readonly string[]): string[] {
  const unfinished = words.at(-1) ?? '';
  let command = program;
  let awaiting: Option | undefined;
  let given = 0;
  for (const word of words.slice(0, -1)) {
    if (awaiting) {
      awaiting = undefined;
    } else if (word.startsWith('-')) {
      const option = command.options.find(({ long, short }) => word === long || word === short);
      awaiting = option?.required ? option : undefined;
    } else {
      const child = command.commands.find(each => each.name() === word);
      command = child ?? command;
      given = child ? 0 : given + 1;
    }
  }
  const candidates = awaiting
    ? (awaiting.argChoices ?? [])
    : unfinished.startsWith('-')
      ? [...command.options.flatMap(({ long, hidden }) => (long && !hidden ? [long] : [])), '--help']
      : [...namesOf(command), ...(command.registeredArguments[given]?.argChoices ?? [])];
  return candidates.filter(candidate => candidate.startsWith(unfinished));
}

function namesOf(command: Command): string[] {
  const help = command.createHelp();
  return help.visibleCommands(command).map(child => child.name());
}
