import { type CallClient, ClientCapabilityError } from '@callboard/actions-api';

const refuse = async (): Promise<never> => {
  throw new ClientCapabilityError('Nobody can be asked: this call does not come from an MCP client', {});
};

/** Stands for the client at doors that have none: is told and asked in vain. */
export const noClient: CallClient = {
  can: { elicitForm: false, elicitUrl: false, sample: false, listRoots: false },
  elicit: refuse,
  ask: refuse,
  reportProgress: () => {},
  log: () => {},
};
