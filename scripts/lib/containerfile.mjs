/**
 * The instructions of a Containerfile, in their stages. Knows what ours uses, and refuses the rest.
 *
 * @param {string} text
 * @returns {{ name: string | undefined, image: string, instructions: { keyword: string, value: string }[] }[]}
 */
export function parseContainerfile(text) {
  const stages = [];
  for (const line of text.split('\n').filter(each => each.trim() !== '' && !each.startsWith('#'))) {
    const [, keyword = '', value = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    if (!known.includes(keyword)) {
      throw new Error(`Containerfile: expected ${known.join(', ')} and all of it on one line, got ${line}`);
    }
    if (keyword === 'FROM') {
      const [, image = '', name] = /^(\S+)(?: AS (\S+))?$/.exec(value) ?? [];
      stages.push({ name, image, instructions: [] });
    } else {
      stages.at(-1).instructions.push({ keyword, value });
    }
  }
  return stages;
}

const known = ['FROM', 'RUN', 'WORKDIR', 'COPY', 'ENV', 'USER', 'VOLUME', 'EXPOSE', 'STOPSIGNAL', 'HEALTHCHECK', 'CMD'];

/** The last value that a stage gives for a keyword. */
export function lastOf({ instructions }, keyword) {
  return instructions.filter(each => each.keyword === keyword).at(-1)?.value;
}

/**
 * @param {string} value
 * @returns {{ from: string | undefined, sources: string[], target: string }}
 */
export function parseCopy(value) {
  const words = value.split(' ');
  const from = words.find(word => word.startsWith('--from='))?.slice('--from='.length);
  const paths = words.filter(word => !word.startsWith('--'));
  return { from, sources: paths.slice(0, -1), target: paths.at(-1) };
}

/** The command of HEALTHCHECK, in the form of a list. */
export function healthCommand(value) {
  return JSON.parse(value.slice(value.indexOf('CMD ') + 'CMD '.length));
}
