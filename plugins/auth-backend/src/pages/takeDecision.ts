import { readField, readFields, sendPage } from '@callboard/pages';
import type { Request, Response } from 'express';
import { renderConsentPage } from './consentPage.js';
import { grantedScopes } from './scopes.js';

/** What a person has decided on the consent page. */
export interface Decision {
  approved: boolean;
  scopes: string[];
}

/** @returns undefined if they approve but allow nothing, and were asked again. */
export function takeDecision(
  req: Request,
  res: Response,
  asked: Parameters<typeof renderConsentPage>[0],
): Decision | undefined {
  const ticked = readFields(req, 'scope');
  const scopes = grantedScopes(asked.requestedScopes, ticked);
  const approved = readField(req, 'decision') === 'approve';
  if (approved && scopes.length === 0) {
    sendPage(res, renderConsentPage({ ...asked, preselectedScopes: ticked, nothingTicked: true }), 400);
    return undefined;
  }
  return { approved, scopes };
}
