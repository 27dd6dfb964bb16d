export { auditConfigSection } from './config.js';
export { type TrailProblem, type TrailVerification, verifyTrail } from './file/verifyTrail.js';
export { auditFeatures as default } from './plugin.js';
