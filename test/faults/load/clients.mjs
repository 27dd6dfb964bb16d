import { judgeAnswer } from './judgeAnswer.mjs';
import { callMessage, mcpPath, modernRequest, statelessHeaders } from './wire.mjs';

/**
 * Makes calls one way. `attempt` makes one once and says what came of it; `close` lets go of what it holds.
 *
 * @typedef {object} Client
 * @property {(call: { id: string, tool: string, args: object }, timeoutMs: number) => Promise<import('./judgeAnswer.mjs').Judgement>} attempt
 * @property {() => void} close
 */

/** @returns {Client} Calls of the 2025 era without a session. */
export function statelessClient(http) {
  return {
    attempt: ({ id, tool, args }, timeoutMs) =>
      judged(
        id,
        http.post({ path: mcpPath, headers: statelessHeaders, message: callMessage({ tool, args }), timeoutMs }),
      ),
    close() {},
  };
}

/** @returns {Client} Calls of 2026-07-28. */
export function modernClient(http) {
  return {
    attempt({ id, tool, args }, timeoutMs) {
      const request = modernRequest({ method: 'tools/call', name: tool, params: { name: tool, arguments: args } });
      return judged(id, http.post({ path: mcpPath, ...request, timeoutMs }));
    },
    close() {},
  };
}

/** @returns {Promise<import('./judgeAnswer.mjs').Judgement>} */
export async function judged(id, answering) {
  try {
    return judgeAnswer(await answering, id);
  } catch (error) {
    return { verdict: 'broken', detail: error.code ?? error.message };
  }
}
