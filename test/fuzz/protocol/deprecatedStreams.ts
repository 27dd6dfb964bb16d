import fc from 'fast-check';
import { hold } from '../engine/expect.js';
import type { Kind } from '../engine/FuzzTarget.js';
import { mutatedJson } from '../json/mutateJson.js';
import { jsonTokens, mutatedText } from '../json/mutateText.js';
import { eventsIn, holdNoLeak, holdWellFormed } from '../server/answers.js';
import type { HttpWire } from '../server/HttpWire.js';
import { headersOf, ping } from '../server/sessions.js';
import { type Stage, serviceToken } from '../server/startStage.js';
import { messageKeys, messages, messageValues } from './messages.js';

interface StreamCase {
  readonly messages: readonly { readonly body: string; readonly query: string; readonly by: 'owner' | 'other' }[];
}

const owner = { mode: 'full_access', profile: undefined } as const;
const other = { mode: 'full_access', profile: 'admin' } as const;

const body = mutatedText(
  mutatedJson(messages(false), { keys: messageKeys, values: messageValues, unchanged: 2 }).map(value =>
    JSON.stringify(value),
  ),
  { tokens: jsonTokens, unchanged: 12, maxMutations: 2 },
).map(text => text.toWellFormed());

/** HTTP+SSE: messages to a stream are answered on that stream, whatever came before, and it closes with its client. */
export const deprecatedStreams = ({ stage, wire }: { stage: Stage; wire: HttpWire }): Kind<StreamCase> => ({
  name: 'deprecated streams',
  weight: 1,
  cases: fc.record({
    messages: fc.array(
      fc.record({
        body,
        query: mutatedText(fc.constant('{query}'), {
          tokens: ['x', '&', '%', 'sessionId=', '{query}', '='],
          unchanged: 8,
          maxMutations: 1,
        }),
        by: fc.constantFrom('owner', 'owner', 'owner', 'owner', 'other'),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  }),
  async check(given) {
    const stream = await wire.open({
      method: 'GET',
      path: `${stage.mcpPath}/sse`,
      headers: headersOf(serviceToken(owner)),
    });
    try {
      const opening = await stream.waitFor(seen => seen.includes('\n\n'));
      const endpoint = eventsIn(opening).find(({ event }) => event === 'endpoint')?.data ?? '';
      const [path = '', query = ''] = endpoint.split('?');
      hold(path.endsWith('/sse/messages'), 'no endpoint', opening);
      const send = async (text: string, at: string, by: 'owner' | 'other') => {
        const headers = headersOf(serviceToken(by === 'owner' ? owner : other));
        const answer = await wire.send({ path: `${path}?${at}`, headers, body: text });
        holdWellFormed({ ...answer, headers: { ...answer.headers, 'content-type': 'text/plain' } }, text);
        return answer;
      };
      for (const message of given.messages) {
        const at = encodeURI(message.query.replaceAll('{query}', query)).replaceAll('%25', '%');
        const { status, text } = await send(message.body, at, message.by);
        hold(message.by === 'owner' || status >= 400, 'took a message of somebody else', text);
      }

      const last = await send('{"jsonrpc":"2.0","id":"the last","method":"ping"}', query, 'owner');
      hold(last.status === 202, 'a stream that takes no more', last);
      const all = await stream.waitFor(seen => seen.includes('"id":"the last"'));
      holdNoLeak(all, JSON.stringify(given));
    } finally {
      stream.close();
    }
    await ping({ stage, wire });
    stage.check();
  },
});
