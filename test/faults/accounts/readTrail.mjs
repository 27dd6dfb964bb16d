import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/**
 * What the trail has of a call, by the id that its client gave it.
 *
 * @typedef {{ intents: number, outcomes: number, failures: number }} Recorded `outcomes` of calls that ended well,
 * `failures` of others.
 */

/**
 * Reads the files of all replicas.
 *
 * @returns {Promise<Map<string, Recorded>>}
 */
export async function readTrail(folder) {
  const recorded = new Map();
  /** Intents whose outcome has not come yet: the id of the call by that of its request. */
  const open = new Map();
  const files = readdirSync(folder, { recursive: true })
    .filter(file => file.endsWith('.jsonl'))
    .sort(byWriterAndNumber);
  for (const file of files) {
    for await (const line of createInterface({ input: createReadStream(join(folder, file)) })) {
      const record = parse(line);
      if (record?.kind === 'intent') {
        const { id } = record.input ?? {};
        if (id !== undefined) {
          entryOf(recorded, id).intents += 1;
          open.set(record.requestId, id);
        }
      } else if (record?.kind === 'outcome') {
        const id = open.get(record.requestId);
        if (id !== undefined) {
          entryOf(recorded, id)[record.error ? 'failures' : 'outcomes'] += 1;
          open.delete(record.requestId);
        }
      }
    }
  }
  return recorded;
}

function entryOf(recorded, id) {
  let entry = recorded.get(id);
  if (!entry) {
    entry = { intents: 0, outcomes: 0, failures: 0 };
    recorded.set(id, entry);
  }
  return entry;
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    // The last line of a process that was killed.
    return undefined;
  }
}

/** Intents and outcomes of a call are in the files of one writer, in their order. */
function byWriterAndNumber(one, other) {
  const [first, second] = [one, other].map(file => ({
    folder: file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : '',
    number: Number(/audit-(\d+)\.jsonl$/.exec(file)?.[1] ?? 0),
  }));
  return first.folder === second.folder ? first.number - second.number : first.folder < second.folder ? -1 : 1;
}
