export { approvalsConfigSection } from './config.js';
export { approvalsFeatures as default } from './plugin.js';
