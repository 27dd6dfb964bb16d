export {
  type GuardedAnswer,
  type GuardedRequestOptions,
  guardedRequest,
  type LookupAll,
} from './guardedRequest.js';
export { isPublicAddress } from './publicAddresses.js';
