import { Argument, type Command, Option } from 'commander';
import type { Surroundings } from '../Surroundings.js';
import { Output } from '../terminal/Output.js';
import { complete } from './complete.js';

const shells = ['bash', 'zsh', 'fish'] as const;

/** Each asks this program for the words that fit, so that there is one list of them. */
const scripts: Readonly<Record<(typeof shells)[number], string>> = {
  bash: `_callboard() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(callboard __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _callboard callboard`,
  zsh: `#compdef callboard
_callboard() {
  local -a words_that_fit
  words_that_fit=("\${(@f)$(callboard __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$words_that_fit" ]]; then compadd -- $words_that_fit; else _files; fi
}
compdef _callboard callboard`,
  fish: `function __callboard_complete
  set -l tokens (commandline -opc) (commandline -ct)
  callboard __complete -- $tokens[2..-1] 2>/dev/null
end
complete -c callboard -a '(__callboard_complete)'`,
};

const hints: typeof scripts = {
  bash: '# Put this into ~/.bashrc:  source <(callboard completion bash)',
  zsh: '# Put this into ~/.zshrc, after compinit:  source <(callboard completion zsh)',
  fish: '# Run once:  callboard completion fish > ~/.config/fish/completions/callboard.fish',
};

/** `callboard completion <shell>`. */
export function addCompletionCommand(program: Command, surroundings: Surroundings): void {
  const output = new Output(surroundings);
  program
    .command('completion')
    .summary('print what makes a shell complete the words of this command')
    .description('Prints a script for a shell. Its last line says where it goes.')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    // compinit goes by the first line of zsh's script.
    .action((shell: keyof typeof scripts) => output.print(`${scripts[shell]}\n${hints[shell]}`));
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .addOption(new Option('--help').hideHelp())
    .action((words: string[]) => output.print(complete(program, words).join('\n')));
}
