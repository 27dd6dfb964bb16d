export { auditConfigSection } from './config.js';
export { type TrailProblem, type TrailVerification, verifyTrail } from './file/verifyTrail.js';
export { verifyWriters, type WriterVerification } from './file/verifyWriters.js';
export { auditFeatures as default } from './plugin.js';
